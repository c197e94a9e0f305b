#include "data/blocks/blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <list>
#include <mutex>

#include "core/error.h"
#include "core/random.h"
#include "core/suggest.h"
#include "data/basic_dataset.h"
#include "data/blocks/question.h"
#include "data/blocks/render.h"

namespace multiviz {
namespace {

using namespace blockworld;

// Part of the fingerprint: another number whenever the same options give other datapoints.
constexpr int kVersion = 1;
constexpr size_t kCachedScenes = 64;

// A scene and its picture. The tensors are shared by every question about it.
struct Shown {
  Scene scene;
  at::Tensor pixels;
  std::vector<Region> regions;  // one for each object, `referred` not set
  nlohmann::json objects = nlohmann::json::array();
};

Region region_of(const Object& object, int8_t index, const Raster& raster, int64_t width, int64_t height) {
  at::Tensor mask = at::zeros({height, width}, at::kBool);
  bool* out = mask.mutable_data_ptr<bool>();
  int64_t x0 = width, y0 = height, x1 = 0, y1 = 0;
  for (int64_t y = 0, pixel = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x, ++pixel) {
      if (raster.object[static_cast<size_t>(pixel)] != index) continue;
      out[pixel] = true;
      x0 = std::min(x0, x);
      x1 = std::max(x1, x + 1);
      y0 = std::min(y0, y);
      y1 = std::max(y1, y + 1);
    }
  }
  // In a tiny picture an object can fall between the pixel centers: an empty mask and box.
  if (x1 == 0) x0 = y0 = 0;
  return {describe(object),
          {static_cast<double>(x0), static_cast<double>(y0), static_cast<double>(x1), static_cast<double>(y1)},
          mask};
}

nlohmann::json object_json(const Object& object, const View& view) {
  nlohmann::json json;
  for (int attribute = 0; attribute < kAttributes; ++attribute)
    json[attribute_name(attribute)] = value_names(attribute)[static_cast<size_t>(object.values[attribute])];
  json["3d_coords"] = {object.center.x, object.center.y, object.center.z};
  Vec3 pixel = view.project(object.center);
  json["pixel_coords"] = {pixel.x, pixel.y, pixel.z};
  return json;
}

std::shared_ptr<const Shown> show(Random random, int64_t width, int64_t height) {
  auto shown = std::make_shared<Shown>();
  shown->scene = sample_scene(random);
  const auto picture = render(shown->scene, width, height);
  shown->pixels = at::empty({height, width, 3}, at::kByte);
  std::copy(picture.pixels.begin(), picture.pixels.end(), shown->pixels.mutable_data_ptr<uint8_t>());
  View view(shown->scene.camera, width, height);
  for (size_t i = 0; i < shown->scene.objects.size(); ++i) {
    const Object& object = shown->scene.objects[i];
    shown->regions.push_back(region_of(object, static_cast<int8_t>(i), picture.raster, width, height));
    shown->objects.push_back(object_json(object, view));
  }
  return shown;
}

// The last scenes that were asked for. Threads that ask for the same one at once wait for a single rendering of it.
class SceneCache {
 public:
  template <typename Make>
  std::shared_ptr<const Shown> get(int64_t index, Make make) {
    std::shared_ptr<Entry> entry = find(index);
    std::call_once(entry->once, [&] { entry->shown = make(); });
    return entry->shown;
  }

 private:
  struct Entry {
    int64_t index;
    std::once_flag once;
    std::shared_ptr<const Shown> shown;
  };

  std::shared_ptr<Entry> find(int64_t index) {
    std::lock_guard lock(mutex_);
    auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry->index == index; });
    if (found != entries_.end()) {
      entries_.splice(entries_.begin(), entries_, found);
      return entries_.front();
    }
    auto entry = std::make_shared<Entry>();
    entry->index = index;
    entries_.push_front(entry);
    if (entries_.size() > kCachedScenes) entries_.pop_back();
    return entry;
  }

  std::mutex mutex_;
  std::list<std::shared_ptr<Entry>> entries_;  // the latest first
};

class Blocks : public Dataset {
 public:
  Blocks(const BlocksOptions& options, int64_t split)
      : options_(options),
        name_("blocks/" + options.split),
        scene_seed_(Random(options.seed, static_cast<uint64_t>(2 * split)).next()),
        question_seed_(Random(options.seed, static_cast<uint64_t>(2 * split + 1)).next()) {}

  const std::string& name() const override { return name_; }
  const std::vector<Modality>& modalities() const override { return modalities_; }
  const std::vector<std::string>& labels() const override { return answers(); }
  int64_t size() const override { return options_.size; }
  std::string fingerprint() const override {
    return fmt::format("{}-v{}-seed{}-n{}-{}x{}-q{}", name_, kVersion, options_.seed, options_.size, options_.width,
                       options_.height, options_.questions);
  }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    int64_t scene = index / options_.questions;
    std::shared_ptr<const Shown> shown = cache_.get(scene, [&] {
      return show(Random(scene_seed_, static_cast<uint64_t>(scene)), options_.width, options_.height);
    });
    // A scene's questions do not depend on how many are asked about it.
    Random random(Random(question_seed_, static_cast<uint64_t>(scene)).next(),
                  static_cast<uint64_t>(index % options_.questions));
    Question question = sample_question(World(shown->scene.objects), random);
    Datapoint point;
    point.id = fmt::format("{}-{}", name_, index + 1);
    point.values = {Image{shown->pixels}, Text{question.text}};
    point.labels = {question.answer};
    point.regions = shown->regions;
    for (size_t i = 0; i < point.regions.size(); ++i) point.regions[i].referred = question.referred >> i & 1;
    point.annotations = {{"program", to_json(question.program)},
                         {"family", question.family},
                         {"hops", question.hops},
                         {"objects", shown->objects}};
    return point;
  }

 private:
  BlocksOptions options_;
  std::string name_;
  std::vector<Modality> modalities_ = {{"image", ModalityKind::image}, {"question", ModalityKind::text}};
  uint64_t scene_seed_, question_seed_;
  mutable SceneCache cache_;
};

}  // namespace

DatasetPtr blocks(const BlocksOptions& options) {
  static const std::vector<std::string> splits = {"train", "val", "test"};
  static constexpr int64_t sizes[] = {70000, 15000, 15000};
  auto split = std::find(splits.begin(), splits.end(), options.split);
  check(split != splits.end(), "blocks has no split '{}'{}", options.split, suggestion(options.split, splits));
  int64_t index = split - splits.begin();
  BlocksOptions full = options;
  if (full.size == -1) full.size = sizes[index];
  check(full.size >= 1, "blocks of size {}: give 1 or more", full.size);
  check(full.questions >= 1, "blocks with {} questions a scene: give 1 or more", full.questions);
  check(full.width >= 16 && full.width <= 2048 && full.height >= 16 && full.height <= 2048,
        "blocks with pictures of {} x {} pixels: give 16 to 2048 for each side", full.width, full.height);
  return std::make_shared<Blocks>(full, index);
}

}  // namespace multiviz
