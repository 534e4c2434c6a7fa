#include "ordered_sum.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

namespace scalora {
namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

// Small enough for a cache, and for libtorch to compute on this thread alone.
constexpr int64_t kChunk = 32000;

int64_t numelOf(const GradientBucket& bucket) {
  int64_t numel = 0;
  for (const at::Tensor& piece : bucket.pieces) numel += piece.numel();
  return numel;
}

// What of the pieces lies within one rank's part, in order.
std::vector<at::Tensor> segmentsOf(const GradientBucket& bucket, int64_t part, int rank) {
  std::vector<at::Tensor> segments;
  const int64_t begin = rank * part, end = begin + part;
  int64_t start = 0;
  for (const at::Tensor& piece : bucket.pieces) {
    const int64_t from = std::max(begin - start, int64_t{0}), to = std::min(end - start, piece.numel());
    if (from < to) segments.push_back(piece.narrow(0, from, to - from));
    start += piece.numel();
  }
  return segments;
}

// Messages under way. Those of the two halves of an exchange have different tags.
class Messages {
 public:
  Messages(Gloo& gloo, int half) : gloo_(gloo), half_(half) {}
  void send(const std::vector<at::Tensor>& segments, int to) {
    for (size_t i = 0; i < segments.size(); ++i) {
      std::vector<at::Tensor> one{segments[i]};
      work_.push_back(gloo_.send(one, to, tag(i)));
    }
  }
  void receive(const std::vector<at::Tensor>& segments, int from) {
    for (size_t i = 0; i < segments.size(); ++i) {
      std::vector<at::Tensor> one{segments[i]};
      work_.push_back(gloo_.recv(one, from, tag(i)));
    }
  }
  void wait() {
    for (const Work& work : work_) work->wait();
  }

 private:
  int tag(size_t segment) const { return static_cast<int>(2 * segment) + half_; }

  Gloo& gloo_;
  const int half_;
  std::vector<Work> work_;
};

// Tensors one after another in `memory`, of the sizes of the segments.
std::vector<at::Tensor> placesLike(const std::vector<at::Tensor>& segments, const at::Tensor& memory) {
  std::vector<at::Tensor> places;
  int64_t start = 0;
  for (const at::Tensor& segment : segments) {
    places.push_back(memory.narrow(0, start, segment.numel()));
    start += segment.numel();
  }
  return places;
}

// output = terms[0] + terms[1] + …, added in this order; the terms may be overwritten.
void addInOrder(const std::vector<at::Tensor>& terms, const at::Tensor& output) {
  const int64_t numel = output.numel();
  for (int64_t start = 0; start < numel; start += kChunk) {
    const int64_t length = std::min(kChunk, numel - start);
    at::Tensor sum = terms[0].narrow(0, start, length);
    for (size_t i = 1; i < terms.size(); ++i) sum.add_(terms[i].narrow(0, start, length));
    const at::Tensor place = output.narrow(0, start, length);
    if (place.data_ptr() != sum.data_ptr()) place.copy_(sum);
  }
}

}  // namespace

int64_t partOf(const GroupOptions& options, const GradientBucket& bucket) {
  return (numelOf(bucket) + options.size - 1) / options.size;
}

int64_t receivedBytes(const GroupOptions& options, const GradientBucket& bucket) {
  return (options.size - 1) * partOf(options, bucket) * static_cast<int64_t>(bucket.pieces.at(0).element_size());
}

void addUp(Gloo& gloo, const GroupOptions& options, const GradientBucket& bucket, const at::Tensor& received, SumRound round) {
  const at::NoGradGuard noGrad;
  const int rank = options.rank;
  const int64_t part = partOf(options, bucket);
  const std::vector<at::Tensor> own = segmentsOf(bucket, part, rank);
  const at::Tensor memory = received.narrow(0, 0, receivedBytes(options, bucket)).view(bucket.pieces.at(0).scalar_type());
  std::vector<std::vector<at::Tensor>> ofRank(options.size);
  Messages parts(gloo, 0);
  for (int other = 0; other < options.size; ++other) {
    if (other == rank) continue;
    if (rank < round.count) parts.send(segmentsOf(bucket, part, other), other);
    if (other >= round.count) continue;
    ofRank[other] = placesLike(own, memory.narrow(0, (other - (other > rank ? 1 : 0)) * part, part));
    parts.receive(ofRank[other], other);
  }
  ofRank[rank] = own;
  parts.wait();
  const std::vector<at::Tensor> sums = bucket.sum.defined() ? placesLike(own, bucket.sum) : own;
  for (size_t i = 0; i < own.size(); ++i) {
    std::vector<at::Tensor> terms;
    if (!round.isFirst) terms.push_back(sums[i]);
    for (int other = 0; other < round.count; ++other) terms.push_back(ofRank[other][i]);
    addInOrder(terms, round.isLast ? own[i] : sums[i]);
  }
  if (!round.isLast) return;
  Messages results(gloo, 1);
  for (int other = 0; other < options.size; ++other) {
    if (other == rank) continue;
    results.send(own, other);
    results.receive(segmentsOf(bucket, part, other), other);
  }
  results.wait();
}

struct Expectation::Hook : torch::autograd::PostAccumulateGradHook {
  Hook(std::shared_ptr<Expectation> expectation, size_t parameter, const void* gradient)
      : expectation(std::move(expectation)), parameter(parameter), gradient(gradient) {}
  // A gradient in other memory is put together apart, and is added to this one later.
  void operator()(const at::Tensor& tensor) override {
    if (tensor.grad().defined() && tensor.grad().data_ptr() == gradient) expectation->noteFinal(parameter);
  }
  const std::shared_ptr<Expectation> expectation;
  const size_t parameter;
  const void* const gradient;
};

Expectation::Expectation(std::vector<at::Tensor> parameters, std::vector<std::vector<size_t>> buckets)
    : parameters_(std::move(parameters)), buckets_(std::move(buckets)), isFinal_(parameters_.size(), false) {
  for (const auto& bucket : buckets_)
    for (size_t parameter : bucket)
      if (parameter >= parameters_.size()) throw Failure("tensor", "there is no parameter of this number", std::to_string(parameter));
}

void Expectation::hook() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& parameter = parameters_[i];
    if (!parameter.defined() || !parameter.grad().defined()) continue;
    torch::autograd::impl::set_post_acc_grad_hooks(
        parameter, std::make_unique<Hook>(shared_from_this(), i, parameter.grad().data_ptr()));
  }
}

void Expectation::end(bool isDone) {
  for (const at::Tensor& parameter : parameters_)
    if (parameter.defined()) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
  std::lock_guard<std::mutex> lock(mutex_);
  hasEnded_ = true;
  isDone_ = isDone;
  changed_.notify_all();
}

void Expectation::noteFinal(size_t parameter) {
  std::lock_guard<std::mutex> lock(mutex_);
  isFinal_[parameter] = true;
  changed_.notify_all();
}

void Expectation::await(size_t bucket) {
  const std::vector<size_t>& members = buckets_.at(bucket);
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] {
    return hasEnded_ || std::all_of(members.begin(), members.end(), [&](size_t parameter) { return isFinal_[parameter]; });
  });
  if (hasEnded_ && !isDone_) throw Failure("run", "the backward pass did not end");
}

}  // namespace scalora
