// A file mapped privately, so that weights are read without a copy.
#pragma once
#include <cstddef>
#include <string>

namespace scalora {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);  // throws a Failure where it cannot be mapped
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  void* data = nullptr;
  size_t size = 0;  // bytes

 private:
  size_t range_ = 0;
};

// False once a mapped file of this process was cut short by another one while in use: what was read of it since is zeros.
bool mappedFilesIntact();

}  // namespace scalora
