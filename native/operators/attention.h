#pragma once

namespace scalora {

// Whether scalora::causal_attention runs on this CPU.
bool hasFusedAttention();

}  // namespace scalora
