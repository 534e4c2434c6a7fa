// Sums of gradients that several ranks have, in the order of the ranks.
#pragma once
#include "process_group.h"

#include <condition_variable>
#include <mutex>
#include <vector>

namespace scalora {

// Which gradients the backward pass has finished. Hooks of the parameters tell it, on the thread of the backward pass.
class Expectation : public std::enable_shared_from_this<Expectation> {
 public:
  // `parameters` by their numbers, undefined ones for gradients that are only final at the end; `buckets` names those of each.
  Expectation(std::vector<at::Tensor> parameters, std::vector<std::vector<size_t>> buckets);

  void hook();              // from now on; hooks that the parameters have are replaced
  void end(bool isDone);    // takes the hooks away; all gradients are final, or will never be
  void await(size_t bucket);  // throws a Failure if its gradients will never be final
  size_t buckets() const { return buckets_.size(); }

 private:
  struct Hook;
  void noteFinal(size_t parameter);

  const std::vector<at::Tensor> parameters_;
  const std::vector<std::vector<size_t>> buckets_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<bool> isFinal_;
  bool hasEnded_ = false, isDone_ = false;
};

// Flat tensors of one dtype that stand for one long one, of which rank r adds up the r-th of `size` equal parts.
struct GradientBucket {
  std::vector<at::Tensor> pieces;
  at::Tensor sum;  // of this rank's part, of earlier rounds and then of this one too; undefined where there is only one round
};

struct SumRound {
  int count;  // ranks that have gradients: the first ones
  bool isFirst, isLast;
};

// Adds up this rank's part of a bucket. In the last round all ranks get the sums of all parts, in place of their pieces.
// `received` has room for the parts of the other ranks, as bytes.
void addUp(Gloo& gloo, const GroupOptions& options, const GradientBucket& bucket, const at::Tensor& received, SumRound round);

// The bytes that `received` must have for a bucket.
int64_t receivedBytes(const GroupOptions& options, const GradientBucket& bucket);

// The numbers of each rank's part.
int64_t partOf(const GroupOptions& options, const GradientBucket& bucket);

}  // namespace scalora
