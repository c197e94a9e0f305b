#include <ATen/ATen.h>

#include "bindings/data.h"
#include "bindings/register.h"
#include "bindings/window.h"
#include "viewer/image_view.h"
#include "viewer/plot.h"
#include "viewer/tokens.h"

// The parts of mv.ui that show data.
namespace multiviz::script {
namespace {

at::Tensor contiguous_bytes(lua_State* L, int index, const char* name) {
  if (auto* image = test<Image>(L, index)) return image->pixels;
  auto tensor = to_tensor(L, index, name);
  if (!tensor) wrong_argument(L, index, name, "an image or a tensor");
  return to_image(*tensor, fmt::format("mv.ui.image: '{}'", name)).pixels;
}

HeatSettings heat_settings(Options& options) {
  HeatSettings settings;
  settings.opacity = static_cast<float>(options.number("opacity", 0.7, {0, 1}));
  settings.threshold = static_cast<float>(options.number("threshold", 0, {0, 1}));
  auto index_of = [&](const char* name, std::vector<std::string> choices) {
    auto chosen = options.choice(name, choices, choices[0]);
    return static_cast<int>(std::find(choices.begin(), choices.end(), chosen) - choices.begin());
  };
  settings.sign = static_cast<HeatSettings::Sign>(index_of("sign", {"both", "positive", "negative", "absolute"}));
  settings.map = static_cast<HeatSettings::Map>(index_of("colors", {"automatic", "sequential", "diverging", "grey"}));
  settings.blend = static_cast<HeatSettings::Blend>(index_of("blend", {"over", "spotlight", "alone"}));
  return settings;
}

int push_spot(lua_State* L, std::optional<Spot> place) {
  if (!place) return lua_pushnil(L), 1;
  lua_createtable(L, 0, 2);
  set_field(L, "x", place->x);
  set_field(L, "y", place->y);
  return 1;
}

int push_box(lua_State* L, std::optional<Box> box) {
  if (!box) return lua_pushnil(L), 1;
  return push(L, std::vector<double>{box->x0, box->y0, box->x1, box->y1});
}

int image(lua_State* L) {
  auto& window = current_window(L);
  ImageContent content;
  content.image = contiguous_bytes(L, 1, "image");
  Options options(L, 2);
  auto units = [&](const char* key) { return window.units(static_cast<float>(options.number(key, 0, {.min = 0}))); };
  double width = units("width"), height = units("height");
  if (auto values = options.tensor("heatmap")) {
    check(values->dim() == 2, "mv.ui.image: option 'heatmap' must have 2 dimensions, height and width: got {}",
          values->dim());
    content.values = values->detach().to(at::kCPU, at::kFloat);
    if (content.values.sizes() != content.image.sizes().slice(0, 2))
      content.values = resize(content.values, content.image.size(0), content.image.size(1), true);
    content.range = range_of(content.values);
  }
  auto settings = heat_settings(options);
  options.done();
  auto events = image_view(window, "image", content, settings, width, height);
  push_spot(L, events.clicked);
  push_spot(L, events.hovered);
  push_box(L, events.dragged);
  return 3;
}

PlotOptions plot_options(Options& options, Window& window) {
  PlotOptions plot;
  plot.width = window.units(static_cast<float>(options.number("width", 0, {.min = 0})));
  plot.height = window.units(static_cast<float>(options.number("height", 0, {.min = 0})));
  plot.x_label = options.string("x_label", "");
  plot.y_label = options.string("y_label", "");
  plot.log_x = options.boolean("log_x", false);
  return plot;
}

// 1-based, or nil.
int push_position(lua_State* L, int64_t index) {
  if (index < 0) return lua_pushnil(L), 1;
  return push(L, index + 1);
}

std::vector<double> counting(size_t n) {
  std::vector<double> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = static_cast<double>(i + 1);
  return x;
}

// One series of numbers, or {name = numbers, ...} drawn in the order of the names.
std::vector<Series> read_series(lua_State* L, int index, const std::optional<std::vector<double>>& x) {
  std::vector<Series> all;
  auto add = [&](std::string name, std::vector<double> y) {
    auto xs = x.value_or(counting(y.size()));
    check(xs.size() == y.size(), "mv.ui.plot_line: 'x' has {} numbers and '{}' has {}: give as many", xs.size(),
          name.empty() ? "y" : name, y.size());
    all.push_back({std::move(name), std::move(xs), std::move(y)});
  };
  bool named_lines = false;
  if (lua_istable(L, index)) {
    lua_pushnil(L);
    if (lua_next(L, index)) {
      named_lines = lua_type(L, -2) == LUA_TSTRING;
      lua_pop(L, 2);
    }
  }
  auto single = named_lines ? std::nullopt : to_numbers(L, index);
  if (single) {
    add("", *single);
    return all;
  }
  if (auto tensor = test<at::Tensor>(L, index)) {
    auto flat = tensor->detach().to(at::kCPU, at::kDouble).flatten().contiguous();
    add("", {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()});
    return all;
  }
  if (!lua_istable(L, index)) wrong_argument(L, index, "y", "numbers, a tensor, or a table of names and numbers");
  std::map<std::string, std::vector<double>> named;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    check(lua_type(L, -2) == LUA_TSTRING, "mv.ui.plot_line: 'y' mixes numbers and names: name every line");
    named[lua_tostring(L, -2)] = arg_numbers(L, lua_gettop(L), "y");
  }
  for (auto& [name, y] : named) add(name, y);
  return all;
}

int plot_line(lua_State* L) {
  auto& window = current_window(L);
  Options options(L, 2);
  auto plot = plot_options(options, window);
  auto x = options.numbers("x");
  options.done();
  auto events = plot_lines(window, "line", read_series(L, 1, x), plot);
  return push_position(L, events.clicked);
}

int plot_bar(lua_State* L) {
  auto& window = current_window(L);
  auto values = arg_numbers(L, 1, "values");
  Options options(L, 2);
  auto plot = plot_options(options, window);
  auto names = options.strings("names").value_or(std::vector<std::string>{});
  options.done();
  return push_position(L, plot_bars(window, "bars", names, values, plot).clicked);
}

int plot_scatter_call(lua_State* L) {
  auto& window = current_window(L);
  auto x = arg_numbers(L, 1, "x"), y = arg_numbers(L, 2, "y");
  check(x.size() == y.size(), "mv.ui.plot_scatter: 'x' has {} numbers and 'y' has {}: give as many", x.size(),
        y.size());
  Options options(L, 3);
  auto plot = plot_options(options, window);
  auto names = options.strings("names").value_or(std::vector<std::string>{});
  auto groups = options.integers("groups").value_or(std::vector<int64_t>{});
  options.done();
  std::vector<Spot> points;
  for (size_t i = 0; i < x.size(); ++i) points.push_back({x[i], y[i]});
  for (auto& group : groups) --group;
  auto events = plot_scatter(window, "scatter", points, groups, names, plot);
  for (auto& index : events.chosen) ++index;
  push_position(L, events.clicked);
  push(L, events.chosen);
  return 2;
}

int plot_matrix_call(lua_State* L) {
  auto& window = current_window(L);
  auto values = arg_tensor(L, 1, "values");
  check(values.dim() == 2 && values.numel() > 0,
        "mv.ui.plot_matrix: 'values' must have rows and columns, got {} dimensions", values.dim());
  check(values.numel() <= 250'000,
        "mv.ui.plot_matrix: {} cells cannot be told apart: show a part, or a mean over blocks", values.numel());
  Options options(L, 2);
  auto plot = plot_options(options, window);
  auto rows = options.strings("rows").value_or(std::vector<std::string>{});
  auto columns = options.strings("columns").value_or(std::vector<std::string>{});
  options.done();
  auto events = plot_matrix(window, "matrix", values.detach().cpu(), rows, columns, plot);
  if (events.clicked < 0) return lua_pushnil(L), 1;
  push(L, events.clicked / values.size(1) + 1);
  return push(L, events.clicked % values.size(1) + 1), 2;
}

int tokens(lua_State* L) {
  auto& window = current_window(L);
  std::vector<std::string> shown;
  if (lua_type(L, 1) == LUA_TSTRING)
    shown = word_list(arg_string(L, 1, "words"));
  else
    shown = arg_strings(L, 1, "words");
  Options options(L, 2);
  auto weights = options.numbers("weights").value_or(std::vector<double>{});
  auto chosen = options.integers("chosen").value_or(std::vector<int64_t>{});
  options.done();
  check(weights.empty() || weights.size() == shown.size(), "mv.ui.tokens: {} weights for {} words: give one a word",
        weights.size(), shown.size());
  std::set<int64_t> marked;
  for (auto position : chosen) marked.insert(position - 1);
  HeatmapRange range;
  if (!weights.empty()) range = range_of(at::tensor(weights, at::kDouble));
  auto events = token_strip(window, shown, weights, range, marked);
  push_position(L, events.clicked);
  return push(L, events.shift), 2;
}

}  // namespace

void register_ui_data(Binder& binder) {
  auto add = [&](const char* name, const char* signature, const char* help, Call call) {
    binder.function((std::string("ui.") + name).c_str(), signature, help, std::move(call));
  };
  add("image",
      "ui.image(image, {width=, height=, heatmap=, opacity=0.7, threshold=0, sign=\"both\", colors=\"automatic\", "
      "blend=\"over\"}) -> clicked, hovered, dragged",
      "A picture, with a heat map over it. The wheel zooms, the right button moves. Returns {x=, y=} in the picture's "
      "pixels where it was clicked and where the mouse is, and the box {x0, y0, x1, y1} that was drawn with the left "
      "button; nil for none.",
      image);
  add("plot_line",
      "ui.plot_line(y | {name = y, ...}, {x=, width=, height=, x_label=, y_label=, log_x=false}) -> clicked",
      "Lines through numbers.", plot_line);
  add("plot_bar", "ui.plot_bar(values, {names=, width=, height=}) -> clicked", "Bars, one below the other.", plot_bar);
  add("plot_scatter",
      "ui.plot_scatter(x, y, {groups=, names=, width=, height=, x_label=, y_label=}) -> clicked, chosen",
      "Points. `groups` (from 1) colour them. An outline drawn with the left button chooses those in it.",
      plot_scatter_call);
  add("plot_matrix", "ui.plot_matrix(values, {rows=, columns=, width=, height=}) -> row, column",
      "Coloured cells; returns the one that was clicked.", plot_matrix_call);
  add("tokens", "ui.tokens(words | text, {weights=, chosen=}) -> clicked, shift",
      "Words coloured by weights; returns the position of the one that was clicked, and whether shift was held.",
      tokens);
}

}  // namespace multiviz::script
