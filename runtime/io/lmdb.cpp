#include "io/lmdb.h"

#include <lmdb.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "io/file.h"

namespace multiviz {
namespace {

MDB_env* env(void* environment) { return static_cast<MDB_env*>(environment); }

[[noreturn]] void broken(const std::string& folder, const char* what, int code) {
  fail("cannot {} the LMDB database '{}': {}", what, folder, ::mdb_strerror(code));
}

// A transaction that is given up unless it is committed.
class Transaction {
 public:
  Transaction(MDB_env* environment, unsigned flags, const std::string& folder, const char* what) {
    if (int code = ::mdb_txn_begin(environment, nullptr, flags, &transaction_)) broken(folder, what, code);
  }
  ~Transaction() {
    if (transaction_) ::mdb_txn_abort(transaction_);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  int commit() { return ::mdb_txn_commit(std::exchange(transaction_, nullptr)); }
  operator MDB_txn*() const { return transaction_; }

 private:
  MDB_txn* transaction_ = nullptr;
};

template <typename T>
T number_at(const char* page, size_t offset) {
  T value;
  std::memcpy(&value, page + offset, sizeof(T));
  return value;
}

// LMDB trusts its file: a page beyond its end would be a fault of the whole program. Both meta pages say how large
// pages are and which is the last in use (lmdb's format version 1: MDB_meta after a page header of 16 bytes).
void check_pages(const std::string& path, const std::string& folder) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  check(std::filesystem::exists(path, ignored), "there is no LMDB database in '{}': a folder with data.mdb is expected",
        folder);
  char head[152] = {};
  check(static_cast<bool>(file.read(head, sizeof head)), "cannot read '{}': it is empty or unreadable", path);
  constexpr size_t meta = 16;
  check(number_at<uint32_t>(head, meta) == 0xBEEFC0DE && number_at<uint32_t>(head, meta + 4) == 1,
        "'{}' is not an LMDB database of version 1", path);
  const auto page = number_at<uint32_t>(head, meta + 24);  // md_pad of the free list: the page size
  check(page >= 512 && page <= 65536 && (page & (page - 1)) == 0, "'{}' is damaged: pages of {} bytes", path, page);
  char second[152] = {};
  file.seekg(page);
  check(static_cast<bool>(file.read(second, sizeof second)) && number_at<uint32_t>(second, meta) == 0xBEEFC0DE &&
            number_at<uint32_t>(second, meta + 24) == page,
        "'{}' is damaged: its second meta page is missing", path);
  const auto size = std::filesystem::file_size(path);
  for (const char* copy : {head, second}) {
    const auto last = number_at<uint64_t>(copy, meta + 24 + 2 * 48);
    check(last < (uint64_t{1} << 48) && (last + 1) * page <= size,
          "'{}' is cut short: it has {} bytes and {} pages of {} are in use", path, size, last + 1, page);
  }
}

}  // namespace

LmdbReader::LmdbReader(const std::string& folder) : folder_(folder) {
  check_pages((std::filesystem::path(folder) / "data.mdb").string(), folder);
  MDB_env* made = nullptr;
  if (int code = ::mdb_env_create(&made)) broken(folder, "open", code);
  environment_ = made;
  if (int code = ::mdb_env_open(made, folder.c_str(), MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0644)) {
    ::mdb_env_close(made);
    broken(folder, "open", code);
  }
}

LmdbReader::~LmdbReader() { ::mdb_env_close(env(environment_)); }

std::optional<std::string> LmdbReader::get(std::string_view key) const {
  Transaction transaction(env(environment_), MDB_RDONLY, folder_, "read");
  MDB_dbi database = 0;
  if (int code = ::mdb_dbi_open(transaction, nullptr, 0, &database)) broken(folder_, "read", code);
  MDB_val name{key.size(), const_cast<char*>(key.data())}, value{};
  const int code = ::mdb_get(transaction, database, &name, &value);
  if (code == MDB_NOTFOUND || code == MDB_BAD_VALSIZE) return std::nullopt;
  if (code) broken(folder_, "read", code);
  return std::string(static_cast<const char*>(value.mv_data), value.mv_size);
}

std::vector<std::string> LmdbReader::keys() const {
  Transaction transaction(env(environment_), MDB_RDONLY, folder_, "read");
  MDB_dbi database = 0;
  if (int code = ::mdb_dbi_open(transaction, nullptr, 0, &database)) broken(folder_, "read", code);
  MDB_cursor* opened = nullptr;
  if (int code = ::mdb_cursor_open(transaction, database, &opened)) broken(folder_, "read", code);
  std::unique_ptr<MDB_cursor, decltype(&::mdb_cursor_close)> cursor(opened, ::mdb_cursor_close);
  std::vector<std::string> keys;
  MDB_val key{}, value{};
  int code = ::mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST);
  for (; code == 0; code = ::mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT))
    keys.emplace_back(static_cast<const char*>(key.mv_data), key.mv_size);
  if (code != MDB_NOTFOUND) broken(folder_, "read", code);
  return keys;
}

LmdbWriter::LmdbWriter(const std::string& folder) : folder_(folder) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  check(!fs::exists(folder, ignored), "'{}' exists already: remove it first, or give another name", folder);
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  folder_ = target.string();
  temporary_ = fmt::format("{}.{}.tmp", folder_, ::getpid());
  make_folder(temporary_);
  MDB_env* made = nullptr;
  int code = ::mdb_env_create(&made);
  environment_ = made;
  size_ = uint64_t{1} << 20;
  if (!code) code = ::mdb_env_set_mapsize(made, size_);
  if (!code) code = ::mdb_env_open(made, temporary_.c_str(), MDB_NOLOCK | MDB_NOSYNC, 0644);
  if (code) {
    if (made) ::mdb_env_close(made);
    fs::remove_all(temporary_, ignored);
    broken(folder_, "write", code);
  }
}

LmdbWriter::~LmdbWriter() {
  if (environment_) ::mdb_env_close(env(environment_));
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
}

void LmdbWriter::put(std::string_view key, std::string_view value) {
  check(environment_ != nullptr, "the LMDB database '{}' is written already", folder_);
  for (;;) {
    int code = 0;
    {
      Transaction transaction(env(environment_), 0, folder_, "write");
      MDB_dbi database = 0;
      code = ::mdb_dbi_open(transaction, nullptr, MDB_CREATE, &database);
      MDB_val name{key.size(), const_cast<char*>(key.data())}, data{value.size(), const_cast<char*>(value.data())};
      if (!code) code = ::mdb_put(transaction, database, &name, &data, 0);
      if (!code) code = transaction.commit();
    }
    if (!code) return;
    if (code != MDB_MAP_FULL) broken(folder_, "write", code);
    size_ = 2 * size_ + value.size();
    if (int grown = ::mdb_env_set_mapsize(env(environment_), (size_ + 65535) / 65536 * 65536))
      broken(folder_, "write", grown);
  }
}

void LmdbWriter::commit() {
  check(environment_ != nullptr, "the LMDB database '{}' is written already", folder_);
  if (int code = ::mdb_env_sync(env(environment_), 1)) broken(folder_, "write", code);
  ::mdb_env_close(env(environment_));
  environment_ = nullptr;
  std::error_code error;
  std::filesystem::rename(temporary_, folder_, error);
  check(!error, "cannot write '{}': {}", folder_, system_reason(error.value()));
  temporary_.clear();
}

}  // namespace multiviz
