#include "data/modality.h"

#include <vector>

#include "core/error.h"
#include "core/suggest.h"

namespace multiviz {

const char* kind_name(ModalityKind kind) {
  switch (kind) {
    case ModalityKind::image: return "image";
    case ModalityKind::text: return "text";
    case ModalityKind::time_series: return "time_series";
    case ModalityKind::tabular: return "tabular";
  }
  return "";
}

ModalityKind parse_kind(const std::string& name) {
  static const std::vector<std::string> known = {"image", "text", "time_series", "tabular"};
  for (size_t i = 0; i < known.size(); ++i)
    if (name == known[i]) return static_cast<ModalityKind>(i);
  fail("unknown kind of modality '{}'{}", name, suggestion(name, known));
}

}  // namespace multiviz
