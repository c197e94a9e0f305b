#include "viewer/texture.h"

#include <ATen/ATen.h>
#define GL_GLEXT_PROTOTYPES
#include <GL/gl.h>
#include <GL/glext.h>

#include "core/error.h"

namespace multiviz {
namespace {

constexpr int64_t kept_frames = 120;

void upload(unsigned name, const at::Tensor& pixels, bool smooth) {
  int64_t height = pixels.size(0), width = pixels.size(1), channels = pixels.size(2);
  GLint most = 0;
  glGetIntegerv(GL_MAX_TEXTURE_SIZE, &most);
  check(height <= most && width <= most, "a picture of {} x {} pixels is too large to draw: resize it to {} a side",
        width, height, most);
  auto bytes = pixels.contiguous();
  glBindTexture(GL_TEXTURE_2D, name);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, smooth ? GL_LINEAR : GL_NEAREST);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
  glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
  glTexImage2D(GL_TEXTURE_2D, 0, channels == 4 ? GL_RGBA : GL_RGB, static_cast<GLsizei>(width),
               static_cast<GLsizei>(height), 0, channels == 4 ? GL_RGBA : GL_RGB, GL_UNSIGNED_BYTE,
               bytes.const_data_ptr<uint8_t>());
}

}  // namespace

void TextureCache::clear() {
  for (auto& [key, entry] : entries_) glDeleteTextures(1, &entry.name);
  entries_.clear();
}

unsigned TextureCache::get(const at::Tensor& pixels, bool smooth) {
  check(pixels.dim() == 3 && pixels.scalar_type() == at::kByte && (pixels.size(2) == 3 || pixels.size(2) == 4) &&
            pixels.numel() > 0,
        "a picture is a tensor of bytes, height x width x 3: got {} {}", c10::str(pixels.sizes()),
        c10::toString(pixels.scalar_type()));
  auto& entry = entries_[pixels.unsafeGetTensorImpl()];
  auto version = pixels.is_inference() ? 0 : pixels._version();
  if (entry.name == 0 || entry.version != version || entry.smooth != smooth) {
    if (entry.name == 0) glGenTextures(1, &entry.name);
    upload(entry.name, pixels, smooth);
    entry.tensor = pixels;
    entry.version = version;
    entry.smooth = smooth;
  }
  entry.used = frame_;
  return entry.name;
}

void TextureCache::next_frame() {
  ++frame_;
  std::erase_if(entries_, [this](const auto& item) {
    bool old = frame_ - item.second.used > kept_frames;
    if (old) glDeleteTextures(1, &item.second.name);
    return old;
  });
}

unsigned upload_texture(const unsigned char* rgba, int width, int height) {
  unsigned name = 0;
  glGenTextures(1, &name);
  glBindTexture(GL_TEXTURE_2D, name);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
  glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
  glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
  glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, width, height, 0, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
  return name;
}

}  // namespace multiviz
