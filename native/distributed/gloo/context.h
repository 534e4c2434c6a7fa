// libtorch contains gloo but not its headers. These declare what c10d's own headers mention of it and what we call; objects of
// gloo are only ever held by pointer, so their layout does not matter.
#pragma once
#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
  void closeConnections();
};

}  // namespace gloo
