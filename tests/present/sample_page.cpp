#include "present/sample_page.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/random.h"

namespace multiviz::test {
namespace {

constexpr int64_t kHeight = 96, kWidth = 128;
constexpr const char* kModel = "toy-model";
const std::string kQuestion = "What color is the large sphere left of the blue cube?";

struct Blob {
  double x, y, radius, red, green, blue;
};

// Shaded discs on a ground that darkens towards the horizon.
at::Tensor picture(const std::vector<Blob>& blobs) {
  auto pixels = at::empty({kHeight, kWidth, 3}, at::kByte);
  auto* out = pixels.data_ptr<uint8_t>();
  for (int64_t y = 0; y < kHeight; ++y)
    for (int64_t x = 0; x < kWidth; ++x) {
      double ground = 105 + 70.0 * static_cast<double>(y) / kHeight;
      double color[3] = {ground, ground, ground};
      for (const auto& blob : blobs) {
        double dx = (static_cast<double>(x) - blob.x) / blob.radius,
               dy = (static_cast<double>(y) - blob.y) / blob.radius;
        if (dx * dx + dy * dy > 1) continue;
        double light = 0.45 + 0.55 * std::max(0.0, 1 - std::hypot(dx + 0.35, dy + 0.4));
        color[0] = blob.red * light, color[1] = blob.green * light, color[2] = blob.blue * light;
      }
      for (double channel : color) *out++ = static_cast<uint8_t>(channel);
    }
  return pixels;
}

// Voronoi cells around a jittered grid.
at::Tensor cells(int64_t rows, int64_t columns, uint64_t seed) {
  Random random(seed);
  std::vector<std::pair<double, double>> centers;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      centers.emplace_back((static_cast<double>(c) + random.uniform(0.2, 0.8)) * kWidth / static_cast<double>(columns),
                           (static_cast<double>(r) + random.uniform(0.2, 0.8)) * kHeight / static_cast<double>(rows));
  auto segments = at::empty({kHeight, kWidth}, at::kLong);
  auto* out = segments.data_ptr<int64_t>();
  for (int64_t y = 0; y < kHeight; ++y)
    for (int64_t x = 0; x < kWidth; ++x) {
      size_t best = 0;
      double nearest = 1e9;
      for (size_t i = 0; i < centers.size(); ++i) {
        double d = std::hypot(static_cast<double>(x) - centers[i].first, static_cast<double>(y) - centers[i].second);
        if (d < nearest) nearest = d, best = i;
      }
      *out++ = static_cast<int64_t>(best);
    }
  return segments;
}

at::Tensor weights(int64_t players, uint64_t seed, double scale = 1) {
  Random random(seed);
  auto list = at::empty({players}, at::kDouble);
  for (int64_t i = 0; i < players; ++i) {
    double u = random.uniform(-1, 1);
    list[i] = scale * u * u * u;
  }
  return list;
}

at::Tensor hill(double x0, double y0, double spread, double height) {
  auto y = at::arange(kHeight, at::kFloat).unsqueeze(1) - y0, x = at::arange(kWidth, at::kFloat).unsqueeze(0) - x0;
  return height * (-(x * x + y * y) / (2 * spread * spread)).exp();
}

const at::Tensor& segments() {
  static const auto map = cells(5, 7, 3);
  return map;
}

Players regions() {
  Players players{"image", ModalityKind::image, {}, segments(), {}, {}};
  for (int i = 1; i <= 35; ++i) players.names.push_back("segment " + std::to_string(i));
  return players;
}

Players question_words(const std::string& text) {
  return {"question", ModalityKind::text, word_list(text), {}, words(text), {}};
}

Explanation explanation(const std::string& method, const std::string& stage, std::vector<std::string> targets,
                        const std::string& id) {
  Explanation made;
  made.method = method;
  made.stage = stage;
  made.model = kModel;
  made.datapoint = id;
  made.targets = std::move(targets);
  made.seed = 7;
  made.cost = {1050, 1000, 2.43};
  return made;
}

Example example(const std::string& id, const std::vector<Blob>& blobs, const std::string& question,
                const std::string& truth) {
  Example made;
  made.datapoint.id = id;
  made.datapoint.values = {Image{picture(blobs)}, Text{question}};
  made.datapoint.labels = {4};
  for (const auto& blob : blobs)
    made.datapoint.regions.push_back(
        {"sphere",
         {blob.x - blob.radius, blob.y - blob.radius, blob.x + blob.radius, blob.y + blob.radius},
         {},
         blob.red > 150});
  made.datapoint.annotations = {{"family", "query_color"}};
  made.truth = {truth};
  made.prediction.top = {{4, "red", 5.31, 0.871},
                         {2, "purple", 2.9, 0.078},
                         {1, "brown", 1.7, 0.023},
                         {0, "blue", 1.2, 0.014},
                         {3, "2", -1.1, 0.0004}};
  return made;
}

Explanation dime() {
  auto made = explanation("dime", "C", {"logit of red", "logit of purple"}, "blocks/val/7");
  for (size_t target = 0; target < 2; ++target)
    for (const char* component : {"unimodal", "multimodal"}) {
      uint64_t seed = 20 + 2 * target + (component[0] == 'm');
      made.attributions.push_back({regions(), weights(35, seed, 0.6), {}, component, target, ""});
      made.attributions.push_back({question_words(kQuestion), weights(12, seed + 10), {}, component, target, ""});
    }
  made.options = {{"context", 64}, {"samples", 500}};
  made.fit = {{"r2", 0.81}};
  return made;
}

Explanation second_order() {
  auto made = explanation("second_order_gradient", "C", {"logit of red"}, "blocks/val/7");
  made.attributions.push_back(
      {{"image", ModalityKind::image, {}, {}, {}, {}}, {}, hill(38, 50, 14, 0.02), "", 0, "large, sphere"});
  made.options = {{"words", {"large", "sphere"}}, {"reduce", "abs"}};
  return made;
}

Explanation interactions() {
  auto made = explanation("shapley_interactions", "C", {"logit of red"}, "blocks/val/7");
  made.interactions.push_back({question_words(kQuestion), regions(), weights(12 * 35, 77, 0.3).view({12, 35})});
  made.options = {{"samples", 2048}};
  return made;
}

Explanation emap() {
  auto made = explanation("emap", "C", {"logit of red", "logit of purple"}, "blocks/val/7");
  made.options = {{"context", 64}};
  made.fit = {{"value", {5.31, 2.9}},
              {"projected", {3.2, 3.1}},
              {"interaction", {2.11, -0.2}},
              {"mean", {0.4, 0.5}},
              {"unimodal", {{"image", {0.9, 1.4}}, {"question", {1.9, 1.2}}}}};
  return made;
}

Explanation saliency() {
  auto made = explanation("gradient", "U", {"logit of red"}, "blocks/val/7");
  made.attributions.push_back({regions(), weights(35, 51, 0.02).abs(), hill(38, 50, 15, 0.04), "", 0, ""});
  made.attributions.push_back({question_words(kQuestion), weights(12, 52, 0.3).abs(), {}, "", 0, ""});
  return made;
}

Explanation local_lime(int64_t feature, const Example& of, uint64_t seed) {
  auto made = explanation("lime", "U", {"feature " + std::to_string(feature + 1)}, of.datapoint.id);
  const auto& text = std::get<Text>(of.datapoint.values[1]).string;
  made.attributions.push_back({regions(), weights(35, seed), {}, "", 0, ""});
  made.attributions.push_back(
      {question_words(text), weights(static_cast<int64_t>(words(text).size()), seed + 1), {}, "", 0, ""});
  made.options = {{"samples", 1000}};
  made.fit = {{"r2", 0.74}};
  return made;
}

FeatureEntry feature_entry(int64_t feature, const Example& page_example) {
  FeatureEntry entry{kModel, page_example.datapoint.id, feature, "", 2.31, {}, {}, "blocks/val"};
  auto seed = static_cast<uint64_t>(feature);
  entry.local.push_back(local_lime(feature, page_example, seed));
  for (int i = 0; i < 3; ++i) {
    auto offset = static_cast<double>(i);
    auto found =
        example("blocks/val/" + std::to_string(200 + 17 * i),
                {{40 + 20 * offset, 50, 18, 200, 40 + 60 * offset, 40}, {95 - 10 * offset, 60, 12, 60, 80, 200}},
                "How many red spheres are there?", i == 1 ? "2" : "red");
    auto local = local_lime(feature, found, seed + 100 + static_cast<uint64_t>(i));
    entry.examples.push_back({std::move(found), 4.2 - 0.3 * i, {std::move(local)}});
  }
  return entry;
}

PredictionEntry prediction_entry() {
  PredictionEntry entry;
  entry.model = kModel;
  entry.datapoint = "blocks/val/7";
  entry.family = "multinomial";
  entry.lambda = 0.0031;
  entry.accuracy = 0.846;
  entry.dense_accuracy = 0.871;
  entry.nonzeros_per_class = 19.6;
  Random random(5);
  int64_t label = 4;
  for (const char* name : {"red", "purple", "brown"}) {
    ClassGraph graph{label--, name, -0.4, 20, {}};
    for (int64_t feature : {16, 202, 44, 389, 7, 271, 118, 60}) {
      if (name[0] != 'r' && random.uniform() < 0.4) continue;
      double weight = random.uniform(-1, 1.4), activation = random.uniform(0, 3);
      graph.features.push_back({feature, weight, activation, weight * activation});
    }
    entry.classes.push_back(graph);
  }
  for (int i = 0; i < 30; ++i)
    entry.curve.push_back({std::pow(10, -0.12 * i), 0.88 - 0.5 * std::exp(-0.16 * i), 1.2 * std::exp(0.19 * i)});
  entry.options = {{"family", "multinomial"}, {"alpha", 0.99}};
  entry.cost = {0, 0, 12.7};
  return entry;
}

}  // namespace

Explanation sample_lime(const std::string& target) {
  auto made = explanation("lime", "U", {target}, "blocks/val/7");
  made.attributions.push_back({regions(), weights(35, 11, 1.4), {}, "", 0, ""});
  made.attributions.push_back({question_words(kQuestion), weights(12, 12, 2.2), {}, "", 0, ""});
  made.options = {{"samples", 1000}, {"segments", "slic"}, {"kernel_width", 0.25}};
  made.fit = {{"image", {{"r2", {0.93}}, {"intercept", {-0.4}}}}, {"question", {{"r2", {0.88}}, {"intercept", {1.2}}}}};
  return made;
}

Page sample_page() {
  Page page;
  page.model = kModel;
  page.modalities = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};
  page.example =
      example("blocks/val/7", {{38, 50, 22, 210, 45, 40}, {92, 58, 14, 50, 80, 210}, {70, 30, 9, 40, 160, 70}},
              kQuestion, "red");
  page.target = "logit of red";
  page.add(sample_lime());
  auto gradient = explanation("integrated_gradients", "U", {"logit of red"}, "blocks/val/7");
  gradient.attributions.push_back(
      {{"image", ModalityKind::image, {}, {}, {}, {}}, {}, hill(38, 50, 12, 0.05) - hill(92, 58, 9, 0.03), "", 0, ""});
  gradient.attributions.push_back({question_words(kQuestion), weights(12, 31), {}, "", 0, ""});
  gradient.options = {{"steps", 64}, {"baseline", "zero"}};
  gradient.fit = {{"completeness_gap", 0.0031}};
  page.add(gradient);
  page.add(dime());
  page.add(second_order());
  page.add(interactions());
  page.add(emap());
  page.add(saliency());
  page.add(feature_entry(16, page.example));
  page.add(feature_entry(202, page.example));
  page.add(prediction_entry());
  return page;
}

Page sample_sensor_page() {
  constexpr int64_t frames = 50, channels = 9, columns = 14;
  Page page;
  page.model = kModel;
  page.modalities = {{"motion", ModalityKind::time_series}, {"record", ModalityKind::tabular}};
  TimeSeries series;
  auto t = at::arange(frames, at::kFloat).unsqueeze(1), f = at::arange(1, channels + 1, at::kFloat).unsqueeze(0);
  series.frames = (t * f * 0.08f).sin() * f;
  for (int i = 1; i <= channels; ++i) series.channels.push_back("joint " + std::to_string(i));
  Table table{at::arange(columns, at::kFloat) * 1.7f, {}};
  page.example.datapoint.id = "sensor 12";
  page.example.datapoint.values = {series, table};
  page.example.datapoint.value = 1.9;
  page.example.prediction = {Task::regression, {}, 2.25};
  page.target = "prediction";

  auto made = explanation("kernel_shap", "U", {"prediction"}, "sensor 12");
  Players by_frame{"motion", ModalityKind::time_series, {}, {}, {}, at::zeros({frames, frames, channels}, at::kBool)};
  Players by_cell{"motion", ModalityKind::time_series, {}, {}, {}, at::zeros({10, frames, channels}, at::kBool)};
  Players by_column{"record", ModalityKind::tabular, {}, {}, {}, at::eye(columns, at::kBool)};
  for (int64_t i = 0; i < frames; ++i) {
    by_frame.names.push_back("frame " + std::to_string(i + 1));
    by_frame.cells[i][i].fill_(true);
  }
  for (int64_t i = 0; i < 10; ++i) {
    by_cell.names.push_back("block " + std::to_string(i + 1));
    by_cell.cells[i].slice(0, 5 * i, 5 * i + 5).slice(1, i % 5, i % 5 + 4).fill_(true);
  }
  for (int64_t i = 0; i < columns; ++i) by_column.names.push_back("column " + std::to_string(i + 1));
  made.attributions.push_back({by_frame, weights(frames, 41), {}, "", 0, ""});
  made.attributions.push_back({by_column, weights(columns, 42), {}, "", 0, ""});
  made.attributions.push_back({by_cell, weights(10, 43), {}, "", 0, ""});
  made.fit = {{"efficiency_gap", 1e-9}, {"exact", false}};
  page.add(made);
  return page;
}

Page sample_region_page() {
  constexpr int64_t count = 4, features = 2;
  Page page;
  page.model = kModel;
  page.modalities = {{"objects", ModalityKind::time_series}, {"question", ModalityKind::text}};
  auto& datapoint = page.example.datapoint;
  datapoint.id = "regions 3";
  datapoint.picture = {kHeight, kWidth, picture({{35, 44, 22, 210, 45, 40}, {95, 58, 18, 50, 80, 210}})};
  datapoint.regions = {{"red sphere", {10, 8, 60, 80}, {}, false},
                       {"blue sphere", {70, 40, 120, 76}, {}, false},
                       {"ground", {0, 0, 128, 96}, {}, false},
                       {"highlight", {20, 20, 40, 40}, {}, false}};
  TimeSeries series;
  Players objects{"objects", ModalityKind::time_series, {}, {}, {}, at::zeros({count, count, features + 4}, at::kBool)};
  series.frames = at::ones({count, features + 4});
  for (int64_t r = 0; r < count; ++r) {
    const auto& [name, box, mask, referred] = datapoint.regions[static_cast<size_t>(r)];
    series.frames[r]
        .slice(0, features)
        .copy_(at::tensor({box.x0 / kWidth, box.y0 / kHeight, box.x1 / kWidth, box.y1 / kHeight}, at::kFloat));
    series.frame_names.push_back(name);
    objects.cells[r][r].fill_(true);
  }
  objects.names = series.frame_names;
  datapoint.values = {series, Text{kQuestion}};
  page.example.prediction.top = {{4, "red", 5.31, 0.871}};
  page.target = "logit of red";

  auto lime = explanation("lime", "U", {"logit of red"}, datapoint.id);
  lime.attributions.push_back({objects, at::tensor({0.5, -0.25, 0.0, 1.0}, at::kDouble), {}, "", 0, ""});
  lime.attributions.push_back({question_words(kQuestion), weights(12, 12, 2.2), {}, "", 0, ""});
  page.add(lime);
  auto pairs = explanation("shapley_interactions", "C", {"logit of red"}, datapoint.id);
  pairs.interactions.push_back({question_words(kQuestion), objects, weights(12 * count, 77, 0.3).view({12, count})});
  page.add(pairs);
  auto second = explanation("second_order_gradient", "C", {"logit of red"}, datapoint.id);
  second.attributions.push_back({objects, at::tensor({0.02, 0.01, 0.0, 0.004}, at::kDouble), {}, "", 0, "sphere"});
  page.add(second);
  return page;
}

}  // namespace multiviz::test
