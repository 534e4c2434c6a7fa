// Mapped files on Windows, which lets nobody truncate a file while it is mapped.
#if defined(_WIN32)
#include "mapped_file.h"

#include "addon.h"

#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <filesystem>
#include <memory>
#include <system_error>

namespace scalora {
namespace {

struct Closing {
  using pointer = HANDLE;
  void operator()(HANDLE handle) const { CloseHandle(handle); }
};
using Handle = std::unique_ptr<HANDLE, Closing>;

Failure failed(const char* what, const std::string& path) {
  const std::error_code error(static_cast<int>(GetLastError()), std::system_category());
  return Failure("format", std::string(what) + " " + path + ": " + error.message());
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const std::filesystem::path native(std::u8string(path.begin(), path.end()));
  const HANDLE opened = CreateFileW(native.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (opened == INVALID_HANDLE_VALUE) throw failed("cannot open", path);
  const Handle file(opened);
  LARGE_INTEGER bytes;
  if (!GetFileSizeEx(opened, &bytes)) throw failed("cannot open", path);
  size = static_cast<size_t>(bytes.QuadPart);
  if (size == 0) return;
  const Handle mapping(CreateFileMappingW(opened, nullptr, PAGE_WRITECOPY, 0, 0, nullptr));
  if (mapping) data = MapViewOfFile(mapping.get(), FILE_MAP_COPY, 0, 0, 0);
  if (!data) throw failed("cannot map", path);
}

MappedFile::~MappedFile() {
  if (data) UnmapViewOfFile(data);
}

bool mappedFilesIntact() { return true; }

}  // namespace scalora

#endif
