#include "process_group.h"

#include "gpu_backend.h"

#include <ATen/ATen.h>
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>

namespace scalora {
namespace {

constexpr size_t kLongestCall = 200;  // characters of what ranks agree on before a collective

std::vector<uint8_t> bytesOf(const std::string& text) { return {text.begin(), text.end()}; }
std::string textOf(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// What c10d and Gloo say, as an error of the run. `message` is for what is not known here.
Failure explained(const char* message, const std::string& said) {
  const auto says = [&](const char* text) { return said.find(text) != std::string::npos; };
  if (says("EADDRINUSE")) return {"run", "the port of the store is in use", said, "set MASTER_PORT to another port, on all ranks; where RANK is set by hand, give it to one process only"};
  if (says("Ping failed")) return {"run", "another program than the store of this job answers at MASTER_ADDR and MASTER_PORT", said};
  if (says("imed out") || says("imeout")) return {"run", "another rank does not answer in time", said};
  for (const char* lost : {"closed by peer", "reset by peer", "likely closed", "Broken pipe", "Connection refused"}) {
    if (says(lost)) return {"run", "the connection to another rank is lost", said, "the rank that ended first says why"};
  }
  return {"run", message, said};
}

// Errors of others as errors of the run; ours unchanged.
template <typename Body>
auto translated(const char* message, Body body) {
  try {
    return body();
  } catch (const Failure&) {
    throw;
  } catch (const c10::Error& error) {
    throw explained(message, error.what_without_backtrace());
  } catch (const std::exception& error) {
    throw explained(message, error.what());
  }
}

// While one exists, libtorch prints no warnings and errors (unless TORCH_CPP_LOG_LEVEL says what it prints): c10d's store prints
// what it then throws. The level is the whole process's, and several threads may use stores at once.
class Quiet {
 public:
  Quiet() {
    std::lock_guard<std::mutex> lock(mutex);
    if (count++ > 0) return;
    level = FLAGS_caffe2_log_level;
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 3;  // fatal
  }
  ~Quiet() {
    std::lock_guard<std::mutex> lock(mutex);
    if (--count == 0) FLAGS_caffe2_log_level = level;
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  static inline std::mutex mutex;
  static inline int count = 0, level = 0;
};

std::string joined(int rank) { return "joined/" + std::to_string(rank); }

std::string listOf(const std::vector<int>& ranks) {
  std::string text;
  for (size_t i = 0; i < ranks.size() && i < 8; ++i) text += (i ? ", " : "") + std::to_string(ranks[i]);
  return ranks.size() > 8 ? text + " and " + std::to_string(ranks.size() - 8) + " more" : text;
}

}  // namespace

void ProcessGroup::openStore() {
  const Quiet quiet;
  translated("the store cannot be reached", [&] {
    c10d::TCPStoreOptions address;
    address.port = options.port;
    address.isServer = options.isServer;
    address.waitWorkers = false;
    address.timeout = options.timeout;
    const auto server = c10::make_intrusive<c10d::TCPStore>(options.host, address);
    job_ = c10::make_intrusive<c10d::PrefixStore>(options.job, server);
    store_ = c10::make_intrusive<c10d::PrefixStore>("values", job_);
  });
}

std::string ProcessGroup::meet(std::chrono::milliseconds patience) {
  requireOpen();
  const Quiet quiet;
  return translated("this rank cannot join the others", [&] {
    announce();
    return missingAfter(patience);
  });
}

void ProcessGroup::join() {
  requireOpen();
  const Quiet quiet;
  translated("this rank cannot join the others", [&] {
    const auto settings = c10d::ProcessGroupGloo::Options::create(options.timeout);
    settings->devices = {c10d::ProcessGroupGloo::createDeviceForHostname(options.address)};
    settings->threads = 1;
    const auto addresses = c10::make_intrusive<c10d::PrefixStore>("gloo", job_);
    auto gloo = c10::make_intrusive<Gloo>(addresses, options.rank, options.size, settings);
    std::lock_guard<std::mutex> lock(mutex_);
    gloo_ = std::move(gloo);
  });
}

// Says, once, that this rank is there.
void ProcessGroup::announce() {
  if (isAnnounced_) return;
  const std::string rank = std::to_string(options.rank);
  if (job_->add("processes/" + rank, 1) > 1)
    throw Failure("run", "rank " + rank + " has joined this job already", "", "give each process its own RANK, and join once");
  job_->set(joined(options.rank), bytesOf(std::to_string(options.size)));
  missing_.resize(options.size);
  std::iota(missing_.begin(), missing_.end(), 0);
  isAnnounced_ = true;
}

// Waits until every rank has said that it is there; those that have not after so long.
std::string ProcessGroup::missingAfter(std::chrono::milliseconds patience) {
  const std::string size = std::to_string(options.size);
  const auto end = std::chrono::steady_clock::now() + patience;
  std::vector<int> missing;
  for (const int rank : missing_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    try {
      job_->wait({joined(rank)}, std::max(left, std::chrono::milliseconds(1)));
    } catch (const std::exception&) {
      if (!job_->check({joined(rank)})) {
        missing.push_back(rank);
        continue;
      }
    }
    const std::string other = textOf(job_->get(joined(rank)));
    if (other != size)
      throw Failure("run", "the ranks do not agree on their number", "rank " + std::to_string(rank) + " has WORLD_SIZE=" + other +
                    ", rank " + std::to_string(options.rank) + " has WORLD_SIZE=" + size, "start all with the same WORLD_SIZE");
  }
  missing_ = std::move(missing);
  return listOf(missing_);
}

// The calls that differ from ours, with their ranks; empty if there are none. A message of another size than expected makes Gloo
// end the process that receives it, so each collective begins with this gather of a fixed size.
std::string ProcessGroup::differences(const std::string& call) {
  const auto length = static_cast<int64_t>(kLongestCall);
  at::Tensor mine = at::zeros({length}, at::kByte), all = at::empty({options.size * length}, at::kByte);
  std::memcpy(mine.data_ptr(), call.data(), call.size());
  gloo_->_allgather_base(all, mine)->wait();
  std::string text;
  for (int rank = 0; rank < options.size && text.size() < 4 * kLongestCall; ++rank) {
    const char* begin = static_cast<const char*>(all.data_ptr()) + rank * length;
    const std::string other(begin, strnlen(begin, kLongestCall));
    if (other != call) text += (text.empty() ? "rank " : "; rank ") + std::to_string(rank) + ": " + other;
  }
  return text;
}

void ProcessGroup::collective(const std::string& call, const std::function<void(Gloo&)>& body) {
  if (call.size() > kLongestCall) throw Failure("run", "the shape has too many dimensions", call);
  requireJoined();
  if (!failure_.empty()) throw Failure("run", "an earlier collective of this process group failed", failure_);
  const auto communicate = [&](const auto& action) {
    try {
      return translated("the ranks cannot communicate", action);
    } catch (const Failure& failure) {
      requireOpen();
      failure_ = failure.found.empty() ? failure.message : failure.found;
      throw;
    }
  };
  const std::string others = communicate([&] { return differences(call); });
  if (!others.empty())
    throw Failure("run", "the ranks do not call the same collective",
                  others + "; rank " + std::to_string(options.rank) + " (this one): " + call,
                  "call the same collectives in the same order on every rank, with equal shapes and dtypes");
  if (body) communicate([&] { body(*gloo_); return true; });
}

c10d::Backend& ProcessGroup::backendFor(c10::DeviceType device) {
  requireJoined();
  if (device == c10::kCPU) return *gloo_;
  if (!nccl_) {
    const auto addresses = c10::make_intrusive<c10d::PrefixStore>("nccl", job_);
    auto made = translated("NCCL cannot be used", [&] { return makeGpuBackend(addresses, options.rank, options.size, options.timeout); });
    std::lock_guard<std::mutex> lock(mutex_);
    nccl_ = std::move(made);
  }
  return *nccl_;
}

void ProcessGroup::set(const std::string& key, const std::string& value) {
  requireOpen();
  const Quiet quiet;
  translated("the store cannot be reached", [&] { store_->set(key, bytesOf(value)); });
}

std::optional<std::string> ProcessGroup::get(const std::string& key) {
  requireOpen();
  const Quiet quiet;
  return translated("the store cannot be reached", [&]() -> std::optional<std::string> {
    if (!store_->check({key})) return std::nullopt;
    return textOf(store_->get(key));
  });
}

void ProcessGroup::requireOpen() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) throw Failure("run", "the process group was disposed");
}

void ProcessGroup::requireJoined() {
  requireOpen();
  if (!gloo_) throw Failure("run", "this rank has not joined the others");
}

void ProcessGroup::close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  if (gloo_) gloo_->closeConnections();
  try {
    if (nccl_) nccl_->abort();
  } catch (const std::exception&) {
    // Nothing is left to do.
  }
}

}  // namespace scalora
