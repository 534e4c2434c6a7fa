// Process groups for JavaScript: each function returns a promise. Tensors are contiguous, on the CPU or on a GPU; those that are written
// in place belong to the collective until its promise settles.
#include "process_group.h"

#include "../binding/environment.h"
#include "handle.h"
#include "ordered_sum.h"
#include "stop_signals.h"

#include <ATen/ATen.h>

#include <sstream>

namespace scalora {
namespace {

using Work = c10::intrusive_ptr<c10d::Work>;

std::shared_ptr<ProcessGroupHandle> handleAt(napi_env env, const std::vector<napi_value>& args) {
  return environment(env).groups.get(toNumber(env, args.at(0), "process group"), "this");
}

std::shared_ptr<ProcessGroup> groupAt(napi_env env, const std::vector<napi_value>& args) { return handleAt(env, args)->group; }

std::chrono::milliseconds toMilliseconds(napi_env env, napi_value value) {
  const double milliseconds = toNumber(env, value, "timeout");
  if (!(milliseconds >= 1 && milliseconds <= 1e9)) throw Failure("tensor", "the timeout must be from 1 to 1e9 ms", describe(env, value));
  return std::chrono::milliseconds(static_cast<int64_t>(milliseconds));
}

int toInt(napi_env env, napi_value value, const char* what, int least, int most) {
  const int64_t integer = toInteger(env, value, what);
  if (integer < least || integer > most)
    throw Failure("tensor", std::string(what) + " must be from " + std::to_string(least) + " to " + std::to_string(most), std::to_string(integer));
  return static_cast<int>(integer);
}

at::Tensor toContiguous(napi_env env, napi_value value) {
  at::Tensor tensor = toTensor(env, value, "tensor").detach();
  if (!(tensor.is_cpu() || tensor.is_cuda()) || tensor.layout() != at::kStrided || !tensor.is_contiguous())
    throw Failure("tensor", "collectives take contiguous tensors on the CPU or on a GPU", tensor.device().str());
  return tensor;
}

at::Tensor toCpu(napi_env env, napi_value value) {
  at::Tensor tensor = toContiguous(env, value);
  if (!tensor.is_cpu()) throw Failure("tensor", "this collective takes tensors on the CPU", tensor.device().str());
  return tensor;
}

// For collectives that only move bytes: any dtype will do.
at::Tensor asBytes(const at::Tensor& tensor) { return tensor.flatten().view(at::kByte); }

std::vector<at::Tensor> toTensorsOfBytes(napi_env env, napi_value array) {
  std::vector<at::Tensor> tensors;
  for (uint32_t i = 0; i < arrayLength(env, array); ++i) tensors.push_back(asBytes(toContiguous(env, element(env, array, i))));
  return tensors;
}

c10d::ReduceOp toReduction(const std::string& name) {
  if (name == "sum") return c10d::ReduceOp::SUM;
  if (name == "min") return c10d::ReduceOp::MIN;
  if (name == "max") return c10d::ReduceOp::MAX;
  throw Failure("tensor", "unknown reduction", name, "use sum, min or max");
}

std::string describeCall(const std::string& name, const at::Tensor& tensor) {
  std::ostringstream text;
  text << name << " " << c10::toString(tensor.scalar_type()) << tensor.sizes();
  if (!tensor.is_cpu()) text << " on a GPU";
  return text.str();
}

Finish tensorOf(at::Tensor tensor) {
  return [tensor = std::move(tensor)](napi_env env) { return fromTensor(env, tensor); };
}

void requireSize(const at::Tensor& output, int64_t numel, at::ScalarType dtype) {
  if (output.numel() != numel || output.scalar_type() != dtype)
    throw Failure("tensor", "the output has another size or dtype than the result", describeCall("", output));
}

// Nothing is sent of an empty tensor.
using Body = std::function<Work(c10d::Backend&)>;
Body unlessEmpty(const at::Tensor& tensor, Body body) { return tensor.numel() == 0 ? Body() : std::move(body); }

napi_value collective(napi_env env, std::shared_ptr<ProcessGroup> group, const std::string& name, const at::Tensor& tensor, Body body, Finish finish) {
  const std::string call = describeCall(name, tensor);
  return promiseOf(env, call, group->collectives,
                   [group, call, device = tensor.device().type(), body = unlessEmpty(tensor, std::move(body)), finish = std::move(finish)] {
    c10d::Backend& backend = group->backendFor(device);
    group->collective(call, body ? [&](Gloo&) { body(backend)->wait(); } : std::function<void(Gloo&)>());
    return finish;
  });
}

// Passes the slices on from rank to rank, straight to their places: Gloo's own all-gather needs as much memory again.
void passAround(Gloo& gloo, const GroupOptions& options, const at::Tensor& slice, at::Tensor output) {
  const int size = options.size, rank = options.rank;
  const int next = (rank + 1) % size, previous = (rank + size - 1) % size;
  const auto place = [&](int of) { return output.narrow(0, (of % size) * slice.numel(), slice.numel()); };
  place(rank).copy_(slice);
  for (int step = 0; step < size - 1; ++step) {
    std::vector<at::Tensor> sent{place(rank + size - step)}, received{place(previous + size - step)};
    const Work sending = gloo.send(sent, next, step), receiving = gloo.recv(received, previous, step);
    receiving->wait();
    sending->wait();
  }
}

// openStore(host, port, isServer, job, rank, size, address, timeout): the handle of a process group that has not joined yet
napi_value openStore(napi_env env, const std::vector<napi_value>& args) {
  const int size = toInt(env, args.at(5), "size", 1, 1 << 20);
  auto group = std::make_shared<ProcessGroup>(GroupOptions{
      toString(env, args.at(0), "host"),
      static_cast<uint16_t>(toInt(env, args.at(1), "port", 0, 65535)),
      toBool(env, args.at(2), "isServer"),
      toString(env, args.at(3), "job"),
      toInt(env, args.at(4), "rank", 0, size - 1),
      size,
      toString(env, args.at(6), "address"),
      toMilliseconds(env, args.at(7)),
  });
  return promiseOf(env, "ProcessGroup.connect", group->collectives, [group]() -> Finish {
    group->openStore();
    return [group](napi_env env) {
      return fromNumber(env, environment(env).groups.add(std::make_shared<ProcessGroupHandle>(group)));
    };
  });
}

// meetRanks(group, milliseconds): waits so long for the other ranks; those that are missing then, as text, and "" once all are there.
// To be called again until then.
napi_value meetRanks(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  const auto patience = toMilliseconds(env, args.at(1));
  return promiseOf(env, "ProcessGroup.connect", group->collectives, [group, patience]() -> Finish {
    return [missing = group->meet(patience)](napi_env env) { return fromString(env, missing); };
  });
}

// joinProcessGroup(group): connects to the other ranks, once all are there
napi_value joinProcessGroup(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  return promiseOf(env, "ProcessGroup.connect", group->collectives, [group]() -> Finish {
    group->join();
    return undefined;
  });
}

// closeProcessGroup(group): false if it was closed before
napi_value closeProcessGroup(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, environment(env).groups.remove(toNumber(env, args.at(0), "process group")));
}

// allReduce(group, tensor, reduction): in place
napi_value allReduce(napi_env env, const std::vector<napi_value>& args) {
  at::Tensor tensor = toContiguous(env, args.at(1));
  const std::string reduction = toString(env, args.at(2), "reduction");
  c10d::AllreduceOptions options;
  options.reduceOp = toReduction(reduction);
  const auto body = [tensor, options](c10d::Backend& backend) {
    std::vector<at::Tensor> tensors{tensor};
    return backend.allreduce(tensors, options);
  };
  return collective(env, groupAt(env, args), "all-reduce " + reduction, tensor, body, undefined);
}

// reduceScatter(group, tensor [size · n, …], reduction): this rank's [n, …] of the reduced tensor
napi_value reduceScatter(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  at::Tensor input = toContiguous(env, args.at(1));
  if (input.dim() == 0 || input.size(0) % group->options.size != 0)
    throw Failure("tensor", "the first dimension must be a multiple of the number of ranks", describeCall("", input));
  const std::string reduction = toString(env, args.at(2), "reduction");
  c10d::ReduceScatterOptions options;
  options.reduceOp = toReduction(reduction);
  std::vector<int64_t> shape = input.sizes().vec();
  shape[0] /= group->options.size;
  at::Tensor output = at::empty(shape, input.options());
  const auto body = [input, output, options](c10d::Backend& backend) mutable { return backend._reduce_scatter_base(output, input, options); };
  return collective(env, group, "reduce-scatter " + reduction, input, body, tensorOf(output));
}

// allGather(group, tensor […]): [size, …], the tensors of all ranks in their order
napi_value allGather(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  at::Tensor input = toContiguous(env, args.at(1));
  std::vector<int64_t> shape = input.sizes().vec();
  shape.insert(shape.begin(), group->options.size);
  at::Tensor output = at::empty(shape, input.options());
  const auto body = [from = asBytes(input), to = asBytes(output)](c10d::Backend& backend) mutable { return backend._allgather_base(to, from); };
  return collective(env, group, "all-gather", input, body, tensorOf(output));
}

// beginGather(group, slices, outputs): begins to write the slices of all ranks, in their order, into outputs of `size` times
// their bytes; the number that awaitGather takes. The tensors belong to it until then.
napi_value beginGather(napi_env env, const std::vector<napi_value>& args) {
  const auto handle = handleAt(env, args);
  const auto group = handle->group;
  auto slices = toTensorsOfBytes(env, args.at(1)), outputs = toTensorsOfBytes(env, args.at(2));
  if (slices.size() != outputs.size()) throw Failure("tensor", "there must be one output for each slice");
  int64_t bytes = 0;
  for (size_t i = 0; i < slices.size(); ++i) {
    requireSize(outputs[i], slices[i].numel() * group->options.size, at::kByte);
    if (outputs[i].device() != slices[i].device()) throw Failure("tensor", "slices and outputs must be on one device", describeCall("", outputs[i]));
    bytes += slices[i].numel();
  }
  const std::string call = "gather of " + std::to_string(slices.size()) + " slices, " + std::to_string(bytes) + " bytes";
  const auto task = std::make_shared<std::packaged_task<void()>>([group, call, slices, outputs]() mutable {
    group->collective(call, [&](Gloo& gloo) {
      for (size_t i = 0; i < slices.size(); ++i) {
        if (slices[i].numel() == 0) continue;
        if (slices[i].is_cpu()) passAround(gloo, group->options, slices[i], outputs[i]);
        else group->backendFor(slices[i].device().type())._allgather_base(outputs[i], slices[i])->wait();
      }
    });
  });
  handle->gathers.emplace(++handle->begun, task->get_future());
  group->collectives.post([task] { (*task)(); });
  return fromInteger(env, handle->begun);
}

// awaitGather(group, number, milliseconds): whether it is done after so long; it can be awaited until then. On this thread, so that
// it can be called in the middle of a forward pass.
napi_value awaitGather(napi_env env, const std::vector<napi_value>& args) {
  const auto handle = handleAt(env, args);
  const auto found = handle->gathers.find(toInteger(env, args.at(1), "gather"));
  if (found == handle->gathers.end()) throw Failure("tensor", "this gather was not begun, or was awaited before");
  if (found->second.wait_for(toMilliseconds(env, args.at(2))) != std::future_status::ready) return fromBool(env, false);
  std::future<void> gather = std::move(found->second);
  handle->gathers.erase(found);
  gather.get();
  return fromBool(env, true);
}

// stopSignals(): how many SIGINT and SIGTERM have come since this was first called
napi_value stopSignals(napi_env env, const std::vector<napi_value>&) { return fromInteger(env, countStopSignals()); }

// answerStops(on SIGINT, on SIGTERM): whether these texts are written to stderr at once
napi_value answerStopsWith(napi_env env, const std::vector<napi_value>& args) {
  return fromBool(env, answerStops(toString(env, args.at(0), "text"), toString(env, args.at(1), "text")));
}

napi_value ignoreStopsFromNow(napi_env env, const std::vector<napi_value>&) {
  ignoreStops();
  return undefined(env);
}

napi_value hasStopComeAgain(napi_env env, const std::vector<napi_value>&) { return fromBool(env, stopCameAgain()); }

// allToAll(group, tensor [size, …], output of the same shape): row r goes to rank r, and row q of the output is from rank q
napi_value allToAll(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  at::Tensor input = toContiguous(env, args.at(1)), output = toContiguous(env, args.at(2));
  if (input.dim() == 0 || input.size(0) != group->options.size)
    throw Failure("tensor", "the first dimension must be the number of ranks", describeCall("", input));
  if (output.device() != input.device()) throw Failure("tensor", "input and output must be on one device", describeCall("", output));
  requireSize(output, input.numel(), input.scalar_type());
  const auto body = [from = asBytes(input), to = asBytes(output)](c10d::Backend& backend) mutable {
    std::vector<int64_t> equal;
    return backend.alltoall_base(to, from, equal, equal);
  };
  return collective(env, group, "all-to-all", input, body, undefined);
}

// expectGradients(group, parameters: handles, or 0 where a gradient is only final at the end, buckets: the numbers of the parameters
// of each): the number of an expectation. Until it is ended, backward passes tell it which gradients are final.
napi_value expectGradients(napi_env env, const std::vector<napi_value>& args) {
  const auto handle = handleAt(env, args);
  std::vector<at::Tensor> parameters;
  for (uint32_t i = 0; i < arrayLength(env, args.at(1)); ++i)
    parameters.push_back(toOptionalTensor(env, element(env, args.at(1), i), "a parameter"));
  std::vector<std::vector<size_t>> buckets(arrayLength(env, args.at(2)));
  for (uint32_t i = 0; i < buckets.size(); ++i) {
    napi_value members = element(env, args.at(2), i);
    for (uint32_t j = 0; j < arrayLength(env, members); ++j)
      buckets[i].push_back(static_cast<size_t>(toInteger(env, element(env, members, j), "a parameter's number")));
  }
  const auto expectation = std::make_shared<Expectation>(std::move(parameters), std::move(buckets));
  expectation->hook();
  handle->expectations.emplace(++handle->begun, expectation);
  return fromInteger(env, handle->begun);
}

std::shared_ptr<Expectation> expectationAt(napi_env env, const ProcessGroupHandle& handle, napi_value number) {
  const auto found = handle.expectations.find(toInteger(env, number, "expectation"));
  if (found == handle.expectations.end()) throw Failure("tensor", "this expectation was not begun, or was ended before");
  return found->second;
}

// endGradients(group, expectation, isDone): all gradients are final, or will never be
napi_value endGradients(napi_env env, const std::vector<napi_value>& args) {
  const auto handle = handleAt(env, args);
  expectationAt(env, *handle, args.at(1))->end(toBool(env, args.at(2), "isDone"));
  handle->expectations.erase(toInteger(env, args.at(1), "expectation"));
  return undefined(env);
}

GradientBucket toBucket(napi_env env, const GroupOptions& options, napi_value pieces, napi_value sum) {
  GradientBucket bucket;
  for (uint32_t i = 0; i < arrayLength(env, pieces); ++i) bucket.pieces.push_back(toCpu(env, element(env, pieces, i)));
  if (bucket.pieces.empty()) throw Failure("tensor", "a bucket has no pieces");
  for (const at::Tensor& piece : bucket.pieces)
    if (piece.dim() != 1 || piece.scalar_type() != bucket.pieces[0].scalar_type())
      throw Failure("tensor", "the pieces of a bucket must be flat and of one dtype", describeCall("", piece));
  if (toOptionalTensor(env, sum, "the sum").defined()) {
    bucket.sum = toCpu(env, sum);
    requireSize(bucket.sum, partOf(options, bucket), bucket.pieces[0].scalar_type());
  }
  return bucket;
}

// sumGradients(group, pieces of each bucket, sums: of each bucket or 0, received, count, isFirst, isLast, expectation or 0): one
// bucket after another, each once its gradients are final. The tensors are flat.
napi_value sumGradients(napi_env env, const std::vector<napi_value>& args) {
  const auto handle = handleAt(env, args);
  const auto group = handle->group;
  const at::Tensor received = asBytes(toCpu(env, args.at(3)));
  const SumRound round{toInt(env, args.at(4), "count", 0, group->options.size), toBool(env, args.at(5), "isFirst"), toBool(env, args.at(6), "isLast")};
  std::vector<GradientBucket> buckets;
  int64_t bytes = 0;
  for (uint32_t i = 0; i < arrayLength(env, args.at(1)); ++i) {
    buckets.push_back(toBucket(env, group->options, element(env, args.at(1), i), element(env, args.at(2), i)));
    if (receivedBytes(group->options, buckets.back()) > received.numel())
      throw Failure("tensor", "there is too little room for what is received");
    if (!buckets.back().sum.defined() && !(round.isFirst && round.isLast)) throw Failure("tensor", "several rounds need sums");
    for (const at::Tensor& piece : buckets.back().pieces) bytes += static_cast<int64_t>(piece.nbytes());
  }
  std::shared_ptr<Expectation> expectation;
  if (toInteger(env, args.at(7), "expectation") != 0) expectation = expectationAt(env, *handle, args.at(7));
  if (expectation && expectation->buckets() != buckets.size()) throw Failure("tensor", "other buckets are expected");
  std::ostringstream call;
  call << "sum of " << bytes << " bytes of gradients in " << buckets.size() << " buckets, of " << round.count << " ranks"
       << (round.isFirst ? ", the first" : "") << (round.isLast ? ", the last" : "");
  return promiseOf(env, call.str(), group->collectives, [group, call = call.str(), buckets, received, round, expectation]() -> Finish {
    group->collective(call, [&](Gloo& gloo) {
      for (size_t i = 0; i < buckets.size(); ++i) {
        if (expectation) expectation->await(i);
        addUp(gloo, group->options, buckets[i], received, round);
      }
    });
    return undefined;
  });
}

// broadcast(group, tensor, root): in place
napi_value broadcast(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  at::Tensor tensor = toContiguous(env, args.at(1));
  c10d::BroadcastOptions options;
  options.rootRank = toInt(env, args.at(2), "the rank to broadcast from", 0, group->options.size - 1);
  const auto body = [bytes = asBytes(tensor), options](c10d::Backend& backend) {
    std::vector<at::Tensor> tensors{bytes};
    return backend.broadcast(tensors, options);
  };
  return collective(env, group, "broadcast from rank " + std::to_string(options.rootRank) + " of", tensor, body, undefined);
}

// barrier(group): agreeing on it is all there is to do
napi_value barrier(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  return promiseOf(env, "barrier", group->collectives, [group]() -> Finish {
    group->collective("barrier", nullptr);
    return undefined;
  });
}

// storeSet(group, key, value)
napi_value storeSet(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  std::string key = toString(env, args.at(1), "key"), value = toString(env, args.at(2), "value");
  return promiseOf(env, "set " + key, group->requests, [group, key, value]() -> Finish {
    group->set(key, value);
    return undefined;
  });
}

// storeGet(group, key): its value, or undefined if it is not set
napi_value storeGet(napi_env env, const std::vector<napi_value>& args) {
  const auto group = groupAt(env, args);
  std::string key = toString(env, args.at(1), "key");
  return promiseOf(env, "get " + key, group->requests, [group, key]() -> Finish {
    return [value = group->get(key)](napi_env env) { return value ? fromString(env, *value) : undefined(env); };
  });
}

}  // namespace

ProcessGroupHandle::~ProcessGroupHandle() {
  for (const auto& [number, expectation] : expectations) expectation->end(false);
  group->close();
}

void registerDistributed(napi_env env, napi_value exports) {
  define(env, exports, "openStore", openStore);
  define(env, exports, "meetRanks", meetRanks);
  define(env, exports, "joinProcessGroup", joinProcessGroup);
  define(env, exports, "closeProcessGroup", closeProcessGroup);
  define(env, exports, "allReduce", allReduce);
  define(env, exports, "reduceScatter", reduceScatter);
  define(env, exports, "allGather", allGather);
  define(env, exports, "beginGather", beginGather);
  define(env, exports, "awaitGather", awaitGather);
  define(env, exports, "stopSignals", stopSignals);
  define(env, exports, "answerStops", answerStopsWith);
  define(env, exports, "ignoreStops", ignoreStopsFromNow);
  define(env, exports, "stopCameAgain", hasStopComeAgain);
  define(env, exports, "allToAll", allToAll);
  define(env, exports, "expectGradients", expectGradients);
  define(env, exports, "endGradients", endGradients);
  define(env, exports, "sumGradients", sumGradients);
  define(env, exports, "broadcast", broadcast);
  define(env, exports, "barrier", barrier);
  define(env, exports, "storeSet", storeSet);
  define(env, exports, "storeGet", storeGet);
}

}  // namespace scalora
