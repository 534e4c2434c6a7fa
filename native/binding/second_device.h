// What the kernels of the second device share (second_device.cpp).
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

namespace scalora {

// A CPU tensor that shares the memory of one on the second device.
at::Tensor onHost(const at::Tensor& tensor);

// A copy of a CPU tensor on the second device, with the same strides.
at::Tensor onSecond(const at::Tensor& tensor);

// Registers attention, and RMSNorm, as libtorch has them for GPUs only.
void registerSecondAttention();
void registerSecondNorm();

}  // namespace scalora
