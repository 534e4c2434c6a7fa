// A privately mapped file: weights are read without a copy.
#pragma once
#include <cstddef>
#include <string>

namespace scalora {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);  // throws a Failure if it cannot be mapped
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  void* data = nullptr;
  size_t size = 0;  // bytes

 private:
  [[maybe_unused]] size_t range_ = 0;
};

// False once another process has truncated a mapped file in use: data read from it since then are zeros.
bool mappedFilesIntact();

}  // namespace scalora
