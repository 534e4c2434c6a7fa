// Graphs of the second device (second_graph.cpp): what its kernels do while one is recorded.
#pragma once
#include "second_device.h"

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace scalora {

// While it lives, what this thread calls is a part of one operator, and no work of its own on a GPU.
class WithinOperator {
 public:
  WithinOperator() : outer_(std::exchange(isActive_, true)) {}
  ~WithinOperator() { isActive_ = outer_; }
  WithinOperator(const WithinOperator&) = delete;
  WithinOperator& operator=(const WithinOperator&) = delete;
  static bool isActive() { return isActive_; }

 private:
  static inline thread_local bool isActive_ = false;
  const bool outer_;
};

// Whether an operator that is called now is to be recorded. Autograd's threads are recorded with the one that has begun.
bool isRecordedNow();
// Throws where a graph is being recorded: CUDA refuses this, or would bake in what is to change. From then on all is refused.
void refuseInGraph(const std::string& what);
// Throws where something was refused before, as CUDA does.
void requireValidGraph();
// Memory that is made while a graph is recorded belongs to the graph.
void keepInGraph(const at::Tensor& tensor);
// Other memory gets back what it held once the graph is recorded.
void beforeWriteInGraph(const at::Tensor& tensor);
void addToGraph(std::function<void()> again);

// The same memory, without autograd's part of a tensor.
at::Tensor bareTensor(const at::Tensor& tensor);
// Writes what a repetition has computed to where the first result lies.
void overwriteTensor(const at::Tensor& to, const at::Tensor& from);

template <typename T>
auto ownForGraph(const T& value) {
  if constexpr (std::is_same_v<T, at::Tensor>) return bareTensor(value);
  else if constexpr (std::is_same_v<T, std::optional<at::Tensor>>) return value ? T(bareTensor(*value)) : T();
  else if constexpr (std::is_same_v<T, at::IntArrayRef>) return value.vec();
  else return value;
}

// A kernel whose calls are recorded, with copies of their arguments.
template <auto kernel>
struct Recorded;

template <typename... Results, typename... Arguments, std::tuple<Results...> (*kernel)(Arguments...)>
struct Recorded<kernel> {
  static std::tuple<Results...> call(Arguments... arguments) {
    if (!isRecordedNow()) {
      const WithinOperator within;
      return kernel(arguments...);
    }
    requireValidGraph();
    auto given = std::make_tuple(ownForGraph(arguments)...);
    const WithinOperator within;
    std::tuple<Results...> results = kernel(arguments...);
    auto kept = std::apply([](const Results&... result) { return std::make_tuple(ownForGraph(result)...); }, results);
    addToGraph([given = std::move(given), kept = std::move(kept)] {
      const WithinOperator within;
      overwrite(kept, std::apply(kernel, given), std::index_sequence_for<Results...>());
    });
    return results;
  }

 private:
  template <size_t... index>
  static void overwrite(const std::tuple<Results...>& to, const std::tuple<Results...>& from, std::index_sequence<index...>) {
    (overwriteOne(std::get<index>(to), std::get<index>(from)), ...);
  }
  template <typename T>
  static void overwriteOne(const T& to, const T& from) {
    if constexpr (std::is_same_v<T, at::Tensor>) overwriteTensor(to, from);
  }
};

}  // namespace scalora
