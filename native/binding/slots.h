// Values that JavaScript refers to by integer handles. A handle has slot, environment and generation, so that a stale handle
// and one of another thread are recognised.
#pragma once
#include "addon.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace scalora {

constexpr uint32_t kEnvironments = 1 << 8;  // at most at the same time; each thread that loads the addon is one

// handle = (generation * 2^8 + environment) * 2^22 + slot + 1, at most 2^53: exact in a JavaScript number, and never 0.
// Not thread-safe: one thread uses the slots of an environment.
template <typename T>
class Slots {
 public:
  // `noun` and `cure` are for error messages.
  Slots(uint32_t environment, const char* noun, const char* cure) : environment_(environment), noun_(noun), cure_(cure) {}

  double add(T value) {
    uint32_t slot;
    if (free_.empty()) {
      if (entries_.size() >= kSlots)
        throw Failure("tensor", std::string("more than 2^22 of a kind are alive (") + noun_ + "): some are never disposed");
      slot = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    entries_[slot].value.emplace(std::move(value));
    ++live_;
    return (static_cast<double>(entries_[slot].generation) * kEnvironments + environment_) * kSlots + slot + 1;
  }

  // The value of a handle. Throws a Failure that names `what` if it was disposed or belongs to another thread.
  T get(double handle, const char* what) {
    if (Entry* entry = find(handle, what)) return *entry->value;
    throw Failure("tensor", std::string(what) + " is a " + noun_ + " that was disposed", "", cure_);
  }

  bool has(double handle) { return isOwn(handle) && findOwn(handle) != nullptr; }

  // False if it was already disposed. Throws a Failure if the handle belongs to another thread.
  bool remove(double handle) {
    Entry* entry = find(handle, "this");
    if (!entry) return false;
    T dropped = std::move(*entry->value);  // destroyed last, when the slot is consistent again
    entry->value.reset();
    // A slot whose next handle would not be exact in a JavaScript number is never used again.
    if (++entry->generation < kGenerations) free_.push_back(static_cast<uint32_t>(entry - entries_.data()));
    --live_;
    return true;
  }

  size_t live() const { return live_; }

 private:
  static constexpr double kSlots = 1 << 22;
  static constexpr uint32_t kGenerations = (1u << 23) - 1;
  struct Entry {
    std::optional<T> value;
    uint32_t generation = 0;
  };

  static bool isHandle(double handle) { return handle >= 1 && handle <= 0x1p53 && handle == std::floor(handle); }
  static uint64_t generationAndEnvironment(double handle) { return static_cast<uint64_t>((handle - 1) / kSlots); }

  bool isOwn(double handle) const { return isHandle(handle) && generationAndEnvironment(handle) % kEnvironments == environment_; }

  Entry* findOwn(double handle) {
    const uint64_t above = generationAndEnvironment(handle);
    const auto slot = static_cast<size_t>(handle - 1 - static_cast<double>(above) * kSlots);
    if (slot >= entries_.size()) return nullptr;
    Entry& entry = entries_[slot];
    return entry.value && entry.generation == above / kEnvironments ? &entry : nullptr;
  }

  Entry* find(double handle, const char* what) {
    if (isOwn(handle)) return findOwn(handle);
    if (!isHandle(handle)) return nullptr;
    throw Failure("tensor", std::string(what) + " is a " + noun_ + " of another thread", "",
                  "threads cannot share it: post its data() and make a tensor of that with fromData()");
  }

  const uint32_t environment_;
  const char* const noun_;
  const char* const cure_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
};

}  // namespace scalora
