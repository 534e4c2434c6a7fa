// Tensors that JavaScript holds, by integer handle: slot + generation, so that a stale handle is caught.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cmath>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

namespace scalora {

// handle = generation * 2^24 + slot + 1, below 2^53: exact in a JavaScript number, and never 0.
template <typename T>
class Slots {
 public:
  double add(T value) {
    std::lock_guard<std::mutex> lock(mutex_);
    uint32_t slot;
    if (free_.empty()) {
      if (entries_.size() >= kSlots) throw std::length_error("more than 2^24 tensors are alive: some are never disposed");
      slot = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    entries_[slot].value.emplace(std::move(value));
    ++live_;
    return static_cast<double>(entries_[slot].generation) * kSlots + slot + 1;
  }

  // The value behind a handle, or nothing when the handle is stale or was never one.
  std::optional<T> get(double handle) {
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* entry = find(handle);
    return entry ? entry->value : std::nullopt;
  }

  bool remove(double handle) {
    std::optional<T> dropped;  // destroyed after the lock is released
    std::lock_guard<std::mutex> lock(mutex_);
    Entry* entry = find(handle);
    if (!entry) return false;
    dropped.swap(entry->value);
    // A slot whose next handle would not be exact in a JavaScript number is never used again.
    if (++entry->generation < kGenerations) free_.push_back(static_cast<uint32_t>(entry - entries_.data()));
    --live_;
    return true;
  }

  size_t live() {
    std::lock_guard<std::mutex> lock(mutex_);
    return live_;
  }

 private:
  static constexpr double kSlots = 1 << 24;
  static constexpr uint32_t kGenerations = (1u << 29) - 1;
  struct Entry {
    std::optional<T> value;
    uint32_t generation = 0;
  };

  Entry* find(double handle) {
    if (!(handle >= 1) || handle != std::floor(handle)) return nullptr;
    double generation = std::floor((handle - 1) / kSlots);
    double slot = (handle - 1) - generation * kSlots;
    if (slot >= static_cast<double>(entries_.size())) return nullptr;
    Entry& entry = entries_[static_cast<size_t>(slot)];
    return entry.value && entry.generation == generation ? &entry : nullptr;
  }

  std::mutex mutex_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
};

Slots<at::Tensor>& tensorSlots();
Slots<at::Generator>& generatorSlots();

// The tensor behind a handle; a Failure that says what to do when it was disposed.
at::Tensor tensorOf(double handle, const char* what);

}  // namespace scalora
