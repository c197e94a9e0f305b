#include "io/lz4.h"

#include <lz4frame.h>

#include <algorithm>
#include <memory>

#include "core/error.h"

namespace multiviz {

std::string compress_lz4(std::string_view bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentSize = bytes.size();
  std::string frame(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t size = LZ4F_compressFrame(frame.data(), frame.size(), bytes.data(), bytes.size(), &preferences);
  check(!LZ4F_isError(size), "cannot compress {} bytes: {}", bytes.size(), LZ4F_getErrorName(size));
  frame.resize(size);
  return frame;
}

std::string decompress_lz4(std::string_view frame, const std::string& where, uint64_t limit) {
  LZ4F_dctx* made = nullptr;
  const size_t status = LZ4F_createDecompressionContext(&made, LZ4F_VERSION);
  check(!LZ4F_isError(status), "{}: cannot decompress: {}", where, LZ4F_getErrorName(status));
  std::unique_ptr<LZ4F_dctx, decltype(&LZ4F_freeDecompressionContext)> context(made, LZ4F_freeDecompressionContext);
  std::string bytes, block(1 << 16, '\0');
  for (size_t hint = 1; hint != 0;) {
    size_t produced = block.size(), consumed = frame.size();
    hint = LZ4F_decompress(context.get(), block.data(), &produced, frame.data(), &consumed, nullptr);
    check(!LZ4F_isError(hint), "{}: the LZ4 frame is damaged: {}", where, LZ4F_getErrorName(hint));
    check(bytes.size() + produced <= limit, "{}: the LZ4 frame holds more than {} bytes", where, limit);
    bytes.append(block.data(), produced);
    frame.remove_prefix(consumed);
    check(hint == 0 || produced > 0 || consumed > 0, "{}: the LZ4 frame is cut short", where);
  }
  return bytes;
}

}  // namespace multiviz
