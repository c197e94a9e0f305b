#include "bindings/data.h"
#include "bindings/explanation.h"
#include "bindings/page.h"
#include "bindings/register.h"
#include "bindings/sparse_path.h"
#include "bindings/window.h"
#include "viewer/draw.h"
#include "viewer/explanation_view.h"
#include "viewer/page_view.h"

// view() of what scripts hold. A window shares what it shows with the script: a page that is added to grows in it.
namespace multiviz::script {
namespace {

template <typename T>
Type<T> known(Binder& binder, const char* name) {
  return Type<T>(binder.L, &detail::type_key<T>, name);
}

int view_image(lua_State* L, Image& self) {
  Options options(L, 2);
  auto wanted = window_options(options, "Image");
  options.done();
  ImageContent content;
  content.image = self.pixels;
  return push_window(L, wanted, [content](Window& window) {
    image_view(window, "image", content, {}, 0, std::max(1.0F, ImGui::GetContentRegionAvail().y));
  });
}

int view_page(lua_State* L, PagePtr& self) {
  Options options(L, 2);
  auto wanted = window_options(options, "Page · " + self->example.datapoint.id);
  if (!options.has("width")) wanted.width = 1280;
  if (!options.has("height")) wanted.height = 800;
  options.done();
  auto state = std::make_shared<PageState>();
  return push_window(L, wanted, [page = self, state](Window& window) { page_view(window, *page, *state); });
}

// The input that an explanation is drawn on: the datapoint and the names of its values.
struct DrawnOn {
  std::vector<Modality> modalities;
  Datapoint datapoint;
  bool given = false;

  Input input() const { return {modalities, given ? &datapoint : nullptr}; }
};

DrawnOn drawn_on(lua_State* L, int index, const Explanation& explanation) {
  if (absent(L, index)) return {};
  auto& x = arg<DatapointHandle>(L, index, "x");
  check(x->datapoint.id == explanation.datapoint,
        "explanation:view: the explanation is of '{}', not of '{}': give its own datapoint", explanation.datapoint,
        x->datapoint.id);
  return {x->data->modalities(), x->datapoint, true};
}

int view_explanation(lua_State* L, ExplanationPtr& self) {
  auto on = std::make_shared<DrawnOn>(drawn_on(L, 2, *self));
  Options options(L, 3);
  auto wanted = window_options(options, self->method + " · " + self->datapoint);
  auto* other = options.object<ExplanationPtr>("against");
  options.done();
  auto against = other ? *other : nullptr;
  check(!against || against->datapoint == self->datapoint,
        "explanation:view: 'against' is of '{}', not of '{}': compare explanations of the same datapoint",
        against ? against->datapoint : "", self->datapoint);
  auto settings = std::make_shared<HeatSettings>();
  auto input = on->input();
  bool on_pixels =
      0 < std::count_if(self->attributions.begin(), self->attributions.end(), [&](const auto& a) {
        const auto* value = input.value(a.players.modality);
        return a.players.kind == ModalityKind::image ||
               (value && !region_boxes(a.players, *value, on->datapoint).empty());  // throws where they cannot be drawn
      });
  return push_window(L, wanted, [shown = self, against, on, settings, on_pixels](Window& window) {
    heading(window, against ? shown->method + " against " + against->method : shown->method);
    if (on->given)
      for (const auto& value : on->datapoint.values)
        if (auto* text = std::get_if<Text>(&value)) faint_text(window, text->string);
    if (on_pixels) heat_controls(window, *settings);
    if (against)
      comparison_view(window, *shown, *against, on->input(), *settings);
    else
      explanation_view(window, *shown, on->input(), *settings);
  });
}

std::vector<CurvePoint> curve_of(const SparsePath& path) {
  std::vector<CurvePoint> curve;
  auto classes = static_cast<double>(std::max<int64_t>(1, path.classes()));
  for (int64_t l = 0; l < path.size(); ++l)
    curve.push_back({path.lambdas[static_cast<size_t>(l)], path.score()[static_cast<size_t>(l)],
                     static_cast<double>(path.nonzeros(l)) / classes});
  return curve;
}

int view_path(lua_State* L, FittedPathPtr& self) {
  Options options(L, 2);
  auto wanted = window_options(options, "Sparse path");
  options.done();
  auto path = self->path;
  return push_window(L, wanted, [path, curve = curve_of(*path)](Window& window) {
    heading(window, "Accuracy against sparsity");
    faint_text(window, fmt::format("{}, alpha {:.3g}, {} features, {} classes, {} lambdas in {:.2g} s",
                                   family_name(path->family), path->alpha, path->features, path->classes(),
                                   path->size(), path->seconds));
    sparsity_curve(window, curve, 0, std::nullopt, std::max(window.units(120), ImGui::GetContentRegionAvail().y));
  });
}

}  // namespace

void register_view(Binder& binder) {
  known<Image>(binder, "image")
      .method("view", "i:view({title=, width=, height=, theme=, scale=, visible=}) -> window",
              "Opens a window on it: the wheel zooms, the right button moves.", view_image);
  known<PagePtr>(binder, "page")
      .method(
          "view", "page:view({title=, width=1280, height=800, theme=, scale=, visible=}) -> window",
          "Opens a window with the Overview and the Features of the page. What is added to the page later is shown.",
          view_page);
  known<ExplanationPtr>(binder, "explanation")
      .method("view", "e:view([x], {against=, title=, width=, height=, theme=, scale=, visible=}) -> window",
              "Opens a window on it, drawn on its datapoint x when that is given; `against` another explanation of the "
              "same datapoint, side by side.",
              view_explanation);
  known<FittedPathPtr>(binder, "sparse path")
      .method("view", "path:view({title=, width=, height=, theme=, scale=, visible=}) -> window",
              "Opens a window on the curve of accuracy over sparsity.", view_path);
}

}  // namespace multiviz::script
