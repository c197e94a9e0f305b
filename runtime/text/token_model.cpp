#include "text/token_model.h"

#include <algorithm>

#include "core/error.h"

namespace multiviz {

void Vocabulary::add(const std::string& token, int64_t id, const std::string& where) {
  constexpr int64_t most = INT32_MAX;
  check(id >= 0 && id < most, "{}: the token '{}' has the number {}: tokens are numbered from 0", where, token, id);
  ids_[token] = id;
  tokens_[id] = token;
  largest_ = std::max(largest_, id);
  longest_ = std::max(longest_, token.size());
}

int64_t Vocabulary::id(const std::string& token) const {
  auto found = ids_.find(token);
  return found == ids_.end() ? -1 : found->second;
}

const std::string* Vocabulary::token(int64_t id) const {
  auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

}  // namespace multiviz
