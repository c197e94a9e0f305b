#include "bindings/detect.h"

#include <ATen/core/grad_mode.h>

#include "bindings/model.h"
#include "bindings/options.h"
#include "models/detect.h"

namespace multiviz::script {
namespace {

// {{word=, text=, share=}, ...} of the words that have at least `least`, in their order. Returns them as a phrase.
std::string push_words(lua_State* L, const std::vector<std::string>& words, const std::vector<double>& shares,
                       double least) {
  std::vector<std::string> phrase;
  lua_newtable(L);
  for (size_t i = 0; i < std::min(words.size(), shares.size()); ++i) {
    if (shares[i] < least) continue;
    phrase.push_back(words[i]);
    lua_newtable(L);
    set_field(L, "word", static_cast<int64_t>(i) + 1);
    set_field(L, "text", words[i]);
    set_field(L, "share", shares[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(phrase.size()));
  }
  return fmt::format("{}", fmt::join(phrase, " "));
}

void push_detections(lua_State* L, const std::vector<Detection>& found, const std::vector<std::string>& words,
                     double least) {
  lua_createtable(L, static_cast<int>(found.size()), 0);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& one = found[i];
    lua_newtable(L);
    auto name = push_words(L, words, one.words, least);
    lua_setfield(L, -2, "words");
    set_field(L, "name", name);
    set_field(L, "box", std::vector<double>{one.box.x0, one.box.y0, one.box.x1, one.box.y1});
    set_field(L, "score", one.score);
    if (one.referred) set_field(L, "referred", *one.referred);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

}  // namespace

int detect(lua_State* L, ModelPtr& self) {
  const auto* detector = dynamic_cast<const Detector*>(self.get());
  check(detector != nullptr, "{} does not detect: MDETR does", self->signature().name);
  Options options(L, 3);
  double threshold = options.number("threshold", 0.7, {.min = 0, .max = 1});
  double least = options.number("share", 0.1, {.min = 0, .max = 1});
  options.done();
  bool several = lua_type(L, 2) == LUA_TTABLE;
  auto datapoints = arg_datapoints(L, 2, "x", *self);
  at::NoGradGuard no_grad;
  std::vector<Leaf> leaves;
  for (size_t m = 0; m < 2; ++m) {
    std::vector<Value> values;
    for (const auto& datapoint : datapoints) values.push_back(datapoint.values[m]);
    leaves.push_back(self->prepare(m, values));
  }
  auto found = detector->detect(leaves, threshold);
  auto push_row = [&](size_t row) {
    push_detections(L, found[row], word_list(std::get<Text>(datapoints[row].values[1]).string), least);
  };
  if (!several) return push_row(0), 1;
  lua_newtable(L);
  for (size_t row = 0; row < found.size(); ++row) {
    push_row(row);
    lua_rawseti(L, -2, static_cast<lua_Integer>(row) + 1);
  }
  return 1;
}

}  // namespace multiviz::script
