#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace multiviz {

// The whole file. Throws Error naming the file when it is missing, unreadable, or larger than `limit` bytes.
std::string read_file(const std::string& path, uint64_t limit = uint64_t{1} << 30);

// Writes to a temporary file beside it and renames, so that a reader sees the old file or the new one, never half of
// one. Throws Error naming the file and the reason (read-only folder, full disk).
void write_file(const std::string& path, std::string_view bytes);

// Makes the folder and its parents. Throws Error naming the folder and the reason.
void make_folder(const std::string& path);

}  // namespace multiviz
