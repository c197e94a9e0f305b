#pragma once
#include <string>
#include <string_view>

namespace multiviz {

// The bytes that a text of base64 stands for. Throws Error starting with `where` when it is none.
std::string decode_base64(std::string_view text, const std::string& where);

}  // namespace multiviz
