// NCCL, for collectives of tensors on a GPU.
#pragma once
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>

namespace scalora {

// Throws a Failure where this build has no NCCL or this machine no GPU.
c10::intrusive_ptr<c10d::Backend> makeGpuBackend(const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
                                                 std::chrono::milliseconds timeout);

}  // namespace scalora
