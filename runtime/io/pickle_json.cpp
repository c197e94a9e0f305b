#include "io/pickle_json.h"

namespace multiviz {
namespace {

using nlohmann::json;

json convert(const Pickle& value, const std::string& where, int depth) {
  switch (depth < 20 ? value.kind() : PickleKind::object) {
    case PickleKind::none:
      return nullptr;
    case PickleKind::boolean:
      return value.boolean(where);
    case PickleKind::integer:
      if (value.is_big()) return json::value_t::discarded;
      return value.integer(where);
    case PickleKind::real:
      return value.number(where);
    case PickleKind::text:
      return value.text(where);
    case PickleKind::list:
    case PickleKind::tuple: {
      auto out = json::array();
      for (size_t i = 0; i < value.size(); ++i) {
        out.push_back(convert(value[i], where, depth + 1));
        if (out.back().is_discarded()) return json::value_t::discarded;
      }
      return out;
    }
    case PickleKind::dict: {
      auto out = json::object();
      for (size_t i = 0; i < value.size(); ++i) {
        auto item = convert(value[i], where, depth + 1);
        if (value.key(i).is_text() && !item.is_discarded()) out[value.key(i).text(where)] = std::move(item);
      }
      return out;
    }
    default:
      return json::value_t::discarded;
  }
}

}  // namespace

json pickle_to_json(const Pickle& value, const std::string& where) { return convert(value, where, 0); }

}  // namespace multiviz
