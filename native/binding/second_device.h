// What the kernels of the second device share (second_device.cpp).
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace scalora {

// A CPU tensor that shares the memory of one on the second device.
at::Tensor onHost(const at::Tensor& tensor);

// Registers attention over a token stream, which libtorch has for GPUs only.
void registerSecondAttention();

}  // namespace scalora
