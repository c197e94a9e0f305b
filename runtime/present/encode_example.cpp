#include <ATen/ATen.h>

#include "core/error.h"
#include "present/encode.h"

namespace multiviz {
namespace {

using nlohmann::json;

json encode(const Image& image, TensorTable& table) { return {{"image", table.put_image(image.pixels)}}; }
json encode(const Text& text, TensorTable&) { return {{"text", text.string}}; }

json encode(const TimeSeries& series, TensorTable& table) {
  json groups = json::array();
  for (const auto& group : series.groups)
    groups.push_back({{"name", group.name}, {"begin", group.begin}, {"end", group.end}});
  return {{"frames", table.put(series.frames)},
          {"channels", series.channels},
          {"groups", groups},
          {"frame_names", series.frame_names}};
}

json encode(const Table& columns, TensorTable& table) {
  return {{"columns", table.put(columns.columns)}, {"names", columns.names}};
}

TimeSeries decode_time_series(const Node& node) {
  TimeSeries series;
  series.frames = node["frames"].tensor(at::kFloat, 2);
  node.expect(series.frames.defined(), "has no frames");
  series.channels = node["channels"].strings();
  for (const auto& item : node["groups"].items()) {
    series.groups.push_back({item["name"].string(), item["begin"].integer(), item["end"].integer()});
    const auto& group = series.groups.back();
    item.expect(0 <= group.begin && group.begin <= group.end && group.end <= series.frames.size(1),
                "is not a range of channels");
  }
  series.frame_names = node["frame_names"].strings();
  auto fits = [](size_t names, int64_t size) { return names == 0 || static_cast<int64_t>(names) == size; };
  node.expect(fits(series.channels.size(), series.frames.size(1)), "names another number of channels");
  node.expect(fits(series.frame_names.size(), series.frames.size(0)), "names another number of frames");
  return series;
}

Value decode_value(const Node& node) {
  node.expect(node.json().is_object(), "is not an object");
  if (node.json().contains("image")) return Image{node["image"].image()};
  if (node.json().contains("text")) return Text{node["text"].string()};
  if (node.json().contains("frames")) return decode_time_series(node);
  Table table{node["columns"].tensor(at::kFloat, 1), node["names"].strings()};
  node.expect(table.columns.defined(), "has no columns");
  node.expect(table.names.empty() || static_cast<int64_t>(table.names.size()) == table.columns.size(0),
              "names another number of columns");
  return table;
}

json encode(const Region& region, TensorTable& table) {
  const auto& box = region.box;
  return {{"name", region.name},
          {"box", {number(box.x0), number(box.y0), number(box.x1), number(box.y1)}},
          {"mask", table.put(region.mask)},
          {"referred", region.referred}};
}

Region decode_region(const Node& node) {
  Region region;
  region.name = node["name"].string();
  auto box = node["box"].items();
  node["box"].expect(box.size() == 4, "is not x0, y0, x1, y1");
  region.box = {box[0].number(), box[1].number(), box[2].number(), box[3].number()};
  region.mask = node["mask"].tensor(at::kBool, 2);
  region.referred = node["referred"].boolean();
  return region;
}

json encode(const Picture& picture, TensorTable& table) {
  json out = {{"height", picture.height}, {"width", picture.width}};
  if (picture.pixels.defined()) out["image"] = table.put_image(picture.pixels);
  return out;
}

Picture decode_picture(const Node& node) {
  constexpr int64_t longest = 1'000'000;
  Picture picture{node["height"].integer(), node["width"].integer(), {}};
  auto possible = [](int64_t side) { return 0 < side && side < longest; };
  node.expect(possible(picture.height) && possible(picture.width), "has a size that no picture has");
  if (!node.json().contains("image")) return picture;
  picture.pixels = node["image"].image();
  node["image"].expect(picture.pixels.size(0) == picture.height && picture.pixels.size(1) == picture.width,
                       "is of another size");
  return picture;
}

json encode(const Datapoint& datapoint, TensorTable& table) {
  json values = json::array(), regions = json::array();
  for (const auto& value : datapoint.values)
    values.push_back(std::visit([&](const auto& held) { return encode(held, table); }, value));
  for (const auto& region : datapoint.regions) regions.push_back(encode(region, table));
  json out = {{"id", datapoint.id},         {"values", values},
              {"labels", datapoint.labels}, {"value", datapoint.value ? number(*datapoint.value) : json("none")},
              {"regions", regions},         {"annotations", datapoint.annotations}};
  if (datapoint.picture.height > 0) out["picture"] = encode(datapoint.picture, table);
  return out;
}

Datapoint decode_datapoint(const Node& node) {
  Datapoint datapoint;
  datapoint.id = node["id"].string();
  for (const auto& item : node["values"].items()) datapoint.values.push_back(decode_value(item));
  for (const auto& item : node["labels"].items()) datapoint.labels.push_back(item.integer());
  if (!node["value"].json().is_string()) datapoint.value = node["value"].number();
  for (const auto& item : node["regions"].items()) datapoint.regions.push_back(decode_region(item));
  datapoint.annotations = node["annotations"].json();
  if (node.json().contains("picture")) datapoint.picture = decode_picture(node["picture"]);
  return datapoint;
}

const char* task_name(Task task) {
  return task == Task::classification ? "classification" : task == Task::multilabel ? "multilabel" : "regression";
}

Task decode_task(const Node& node) {
  auto name = node.string();
  for (auto task : {Task::classification, Task::multilabel, Task::regression})
    if (name == task_name(task)) return task;
  node.wrong("is not a task");
}

json encode(const Prediction& prediction) {
  json top = json::array();
  for (const auto& score : prediction.top)
    top.push_back({{"label", score.label},
                   {"name", score.name},
                   {"logit", number(score.logit)},
                   {"probability", number(score.probability)}});
  return {{"task", task_name(prediction.task)}, {"top", top}, {"value", number(prediction.value)}};
}

Prediction decode_prediction(const Node& node) {
  Prediction prediction;
  prediction.task = decode_task(node["task"]);
  for (const auto& item : node["top"].items())
    prediction.top.push_back(
        {item["label"].integer(), item["name"].string(), item["logit"].number(), item["probability"].number()});
  prediction.value = node["value"].number();
  return prediction;
}

}  // namespace

json encode(const Example& example, TensorTable& table) {
  return {{"datapoint", encode(example.datapoint, table)},
          {"truth", example.truth},
          {"prediction", encode(example.prediction)}};
}

Example decode_example(const Node& node) {
  return {decode_datapoint(node["datapoint"]), node["truth"].strings(), decode_prediction(node["prediction"])};
}

}  // namespace multiviz
