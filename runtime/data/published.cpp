#include "data/published.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include "core/error.h"
#include "core/suggest.h"
#include "io/image.h"
#include "io/json.h"

namespace multiviz {
namespace {

std::string expected(const Publication& publication) {
  return fmt::format("{} is expected as {} (see {})", publication.name, publication.layout, publication.where);
}

}  // namespace

std::string find_published(const std::string& root, const std::vector<std::string>& candidates,
                           const Publication& publication) {
  std::error_code ignored;
  check(std::filesystem::is_directory(root, ignored), "there is no folder '{}': {}", root, expected(publication));
  for (const std::string& candidate : candidates) {
    const auto path = std::filesystem::path(root) / candidate;
    if (std::filesystem::exists(path, ignored)) return path.lexically_normal().string();
  }
  fail("there is no '{}' in '{}': {}", candidates.front(), root, expected(publication));
}

void check_split(const std::string& split, const std::vector<std::string>& splits, const Publication& publication) {
  if (std::find(splits.begin(), splits.end(), split) != splits.end()) return;
  fail("{} has no split '{}'{}", publication.name, split, suggestion(split, splits));
}

at::Tensor load_published(const std::string& path, const std::string& where, const Publication& publication) {
  std::error_code ignored;
  check(std::filesystem::exists(path, ignored), "{}: there is no file '{}': {}", where, path, expected(publication));
  return load_image(path);
}

std::string plain_file_name(const nlohmann::json& record, const std::string& key, const std::string& where) {
  const auto name = require<std::string>(record, key, where);
  check(!name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos,
        "{}: '{}' must be a plain file name, not '{}'", where, key, name);
  return name;
}

void add_skipped(Skipped& skipped, const JsonRecords& records) {
  skipped.count += records.skipped();
  skipped.messages.insert(skipped.messages.end(), records.reasons().begin(), records.reasons().end());
}

std::vector<std::string> load_answers(const std::string& path) {
  auto answers = as<std::vector<std::string>>(load_json(path), "'" + path + "'");
  check(!answers.empty(), "'{}' holds no answers: it must be a list of strings", path);
  std::unordered_set<std::string> seen;
  for (const std::string& answer : answers)
    check(seen.insert(answer).second, "'{}' holds the answer '{}' twice", path, answer);
  return answers;
}

std::string published_fingerprint(const std::string& name, const nlohmann::json& settings,
                                  const std::vector<uint64_t>& content) {
  uint64_t hash = hash_bytes(dump_json(settings, name));
  for (uint64_t part : content) hash = hash_bytes({reinterpret_cast<const char*>(&part), sizeof part}, hash);
  return fmt::format("{}-{:016x}", name, hash);
}

}  // namespace multiviz
