// Process groups: torch's TCPStore, where the processes of a job (its ranks) find each other, and Gloo's collectives.
#pragma once
#include "worker.h"

#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <mutex>
#include <optional>

namespace scalora {

class Gloo : public c10d::ProcessGroupGloo {
 public:
  using ProcessGroupGloo::ProcessGroupGloo;
  void closeConnections() {
    for (const auto& context : contexts_) context->closeConnections();
  }
};

struct GroupOptions {
  std::string host;  // where the store is
  uint16_t port;
  bool isServer;  // whether the store is in this process
  std::string job;  // prefix of the keys: another job may use the same store
  int rank, size;
  std::string address;  // of this machine, to which the other ranks connect
  std::chrono::milliseconds timeout;
};

// What waits for other ranks throws a Failure of kind "run" and is called on the workers.
class ProcessGroup {
 public:
  explicit ProcessGroup(GroupOptions options) : options(std::move(options)) {}

  const GroupOptions options;
  Worker collectives, requests;  // a request to the store need not wait for a collective

  void openStore();  // finds the store, or makes it; first of all
  // Second: waits for the other ranks. Those that are missing after so long, as text; then it can be called again. Empty once all are
  // there.
  std::string meet(std::chrono::milliseconds patience);
  // Third: connects to them.
  void join();

  // Agrees with the other ranks on `call`, which must be the same everywhere, then does `body`, to its end, if there is one.
  void collective(const std::string& call, const std::function<void(Gloo&)>& body);

  // What does the collectives of tensors on such a device: Gloo, or NCCL, which is made at its first use.
  c10d::Backend& backendFor(c10::DeviceType device);

  void set(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key);  // none if the key is not set: waiting here would hold up other requests

  // Any thread, any time: the other ranks notice, and all that follows fails. A collective under way may wait until
  // its timeout, because nothing wakes Gloo.
  void close();

 private:
  void announce();
  std::string missingAfter(std::chrono::milliseconds patience);
  std::string differences(const std::string& call);
  void requireOpen();
  void requireJoined();

  c10::intrusive_ptr<c10d::Store> job_;  // the keys of this job
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<Gloo> gloo_;
  c10::intrusive_ptr<c10d::Backend> nccl_;
  std::vector<int> missing_;  // the ranks that are still to come, once this one has said that it is there
  bool isAnnounced_ = false;
  std::string failure_;  // of the first collective that failed; since then the ranks are out of step
  std::mutex mutex_;     // of closed_, and of gloo_ and nccl_ until they are set
  bool closed_ = false;
};

}  // namespace scalora
