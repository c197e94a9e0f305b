#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <filesystem>

#include "core/cancel.h"
#include "core/error.h"
#include "core/stopwatch.h"
#include "crossmodal/dime.h"
#include "crossmodal/emap.h"
#include "crossmodal/joint.h"
#include "crossmodal/second_order_gradient.h"
#include "crossmodal/shapley_interactions.h"
#include "io/image.h"
#include "models/score.h"
#include "perturb/superpixels.h"
#include "prediction/elastic_net.h"
#include "prediction/prediction_entry.h"
#include "representation/analysis.h"
#include "unimodal/gradient.h"
#include "unimodal/integrated_gradients.h"
#include "unimodal/kernel_shap.h"
#include "unimodal/lime.h"
#include "unimodal/occlusion.h"
#include "viewer/explorer.h"

// The explorer's work: each job copies what it needs, and its result is put in place on the main thread.
namespace multiviz {
namespace {

constexpr int64_t segments_to_hide = 40;

struct Question {
  ModelPtr model;
  const Datapoint& x;
  DatasetPtr data;
  Target target;
  const ExplorerOptions& options;

  std::vector<Target> targets() const { return {target}; }
  DatasetPtr context() const { return sample(data, std::min(options.context, data->size()), options.seed); }
};

LimeOptions lime_options(uint64_t seed) {
  LimeOptions options;
  options.seed = seed;
  return options;
}

KernelShapOptions shap_options(uint64_t seed) {
  KernelShapOptions options;
  options.seed = seed;
  return options;
}

Explanation explain_interactions(const Question& q) {
  ShapleyInteractionOptions options;
  options.seed = q.options.seed;
  return shapley_interactions(q.model, q.x, q.target, options);
}

Explanation explain_dime(const Question& q) {
  DimeOptions options;
  options.seed = q.options.seed;
  return dime(q.model, q.x, *q.context(), q.targets(), options);
}

// What the explorer can compute for a datapoint.
struct Offer {
  const char* name;
  const char* stage;
  bool gradients;       // needs them
  size_t fewest, most;  // modalities
  Explanation (*explain)(const Question&);
};

constexpr size_t any = 100;
const Offer offers[] = {
    {"gradient", "U", true, 1, any, [](const Question& q) { return gradient(*q.model, q.x, q.targets()); }},
    {"integrated gradients", "U", true, 1, any,
     [](const Question& q) { return integrated_gradients(*q.model, q.x, q.targets(), {}); }},
    {"lime", "U", false, 1, any,
     [](const Question& q) { return lime(q.model, q.x, q.targets(), lime_options(q.options.seed)); }},
    {"kernel shap", "U", false, 1, any,
     [](const Question& q) { return kernel_shap(q.model, q.x, q.targets(), shap_options(q.options.seed)); }},
    {"occlusion", "U", false, 1, any, [](const Question& q) { return occlusion(q.model, q.x, q.targets()); }},
    {"dime", "C", false, 2, 2, explain_dime},
    {"emap", "C", false, 2, 2, [](const Question& q) { return emap(*q.model, q.x, *q.context(), q.targets()); }},
    {"joint lime", "C", false, 2, any,
     [](const Question& q) { return joint_lime(q.model, q.x, q.targets(), lime_options(q.options.seed)); }},
    {"joint shap", "C", false, 2, any,
     [](const Question& q) { return joint_shap(q.model, q.x, q.targets(), shap_options(q.options.seed)); }},
    {"interactions", "C", false, 2, 2, explain_interactions},
};

Explanation explain(const std::string& method, const Question& question) {
  for (const auto& offer : offers)
    if (offer.name == method) return offer.explain(question);
  fail("there is no method '{}'", method);
}

// The part of the data that holds a datapoint and is small enough to compute features for.
DatasetPtr neighbourhood(const DatasetPtr& data, int64_t index, int64_t most) {
  if (data->size() <= most) return data;
  int64_t first = std::clamp<int64_t>(index - most / 2, 0, data->size() - most);
  std::vector<int64_t> rows(static_cast<size_t>(most));
  for (int64_t i = 0; i < most; ++i) rows[static_cast<size_t>(i)] = first + i;
  return subset(data, std::move(rows));
}

bool holds(const Datapoint& x, const std::string& text) {
  if (x.id.find(text) != std::string::npos) return true;
  for (const auto& value : x.values)
    if (auto* string = std::get_if<Text>(&value); string && string->string.find(text) != std::string::npos) return true;
  return false;
}

at::Tensor mean_color(const at::Tensor& pixels, const at::Tensor& segments, const std::set<int64_t>& hidden) {
  auto shown = pixels.clone();
  for (int64_t segment : hidden) {
    auto mask = segments.eq(segment);
    auto inside = pixels.index({mask}).to(at::kFloat);
    if (inside.size(0) > 0) shown.index_put_({mask}, inside.mean(0).round().to(at::kByte));
  }
  return shown;
}

std::string without(const std::string& text, const std::set<int64_t>& hidden) {
  auto list = word_list(text);
  std::string kept;
  for (size_t i = 0; i < list.size(); ++i)
    if (!hidden.contains(static_cast<int64_t>(i))) kept += (kept.empty() ? "" : " ") + list[i];
  return kept;
}

}  // namespace

std::vector<std::string> methods_of(const std::string& stage, const Signature& signature) {
  std::vector<std::string> names;
  size_t modalities = signature.modalities.size();
  for (const auto& offer : offers)
    if (offer.stage == stage && (signature.differentiable || !offer.gradients) && modalities >= offer.fewest &&
        modalities <= offer.most)
      names.emplace_back(offer.name);
  return names;
}

void Explorer::ask(const std::string& name, Job::Work work) {
  message_.clear();
  waiting_.push_back(std::make_unique<Job>(name, std::move(work)));
  desktop_.wake();
}

// Starts the next job and takes what finished. Called between frames' widgets, on the main thread.
void Explorer::tend() {
  if (current_ && current_->finished() && !running_here_) {
    auto error = current_->deliver();
    current_.reset();
    if (!error.empty()) message_ = error;
    desktop_.wake();
  }
  if (current_ || waiting_.empty()) return;
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  if (!options_.main_thread) return current_->start();
  desktop_.later([self = shared_from_this(), job = current_.get()] {
    if (self->current_.get() != job) return;
    self->running_here_ = true;
    job->run_here([&] {
      self->desktop_.poll();
      if (self.use_count() == 1) job->cancel();  // the window was closed
    });
    self->running_here_ = false;
    self->desktop_.wake();
  });
}

void Explorer::finish() {
  while (busy()) {
    tend();
    if (current_ && !current_->finished()) {
      desktop_.run_later();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

const Page* Explorer::page() const {
  auto found = pages_.find(index_);
  return found == pages_.end() ? nullptr : &found->second;
}

std::optional<size_t> Explorer::modality(ModalityKind kind) const {
  const auto& modalities = model_->signature().modalities;
  for (size_t i = 0; i < modalities.size(); ++i)
    if (modalities[i].kind == kind) return i;
  return std::nullopt;
}

Target Explorer::target() const {
  if (model_->signature().task == Task::regression) return Target::regression();
  auto* shown = page();
  return Target::logit(shown && !shown->example.prediction.top.empty() ? shown->example.prediction.top[0].label : 0);
}

void Explorer::select(int64_t index) {
  index_ = std::clamp<int64_t>(index, 0, data_->size() - 1);
  number_ = static_cast<int>(index_ + 1);
  live_ = {};
  what_if_ = {};
  if (!page()) load(index_);
}

void Explorer::load(int64_t index) {
  ask("prediction", [this, index, model = model_, data = data_] {
    auto raw = data->get(index);
    auto datapoint = adapt(model->signature(), *data, raw);
    auto prediction = predict(*model, datapoint, 5);
    auto wanted =
        model->signature().task == Task::regression ? Target::regression() : Target::logit(prediction.top[0].label);
    auto page = std::make_shared<Page>(make_page(*model, datapoint, wanted));
    page->example.truth.clear();
    for (int64_t label : raw.labels) page->example.truth.push_back(data->labels().at(static_cast<size_t>(label)));
    return [this, index, page] { pages_[index] = std::move(*page); };
  });
}

void Explorer::compute(const std::string& method) {
  auto* shown = page();
  if (!shown) return;
  ask(method, [this, method, index = index_, model = model_, data = data_, x = shown->example.datapoint,
               wanted = target(), options = options_] {
    auto made = std::make_shared<Explanation>(explain(method, {model, x, data, wanted, options}));
    return [this, index, made] { pages_[index].add(std::move(*made)); };
  });
}

void Explorer::fit_path() {
  auto* shown = page();
  if (!shown) return;
  bool known = path_ && std::any_of(features_->rows.begin(), features_->rows.end(),
                                    [&](const FeatureRow& row) { return row.id == shown->example.datapoint.id; });
  ask("sparse path", [this, known, index = index_, model = model_, data = data_, id = shown->example.datapoint.id,
                      options = options_, features = features_, path = path_]() mutable {
    if (!known) {
      FeaturesOptions wanted;
      wanted.tap = options.tap;
      features =
          std::make_shared<Features>(compute_features(*model, *neighbourhood(data, index, options.datapoints), wanted));
      ElasticNetOptions fit;
      fit.family = features->task == Task::classification ? Family::multinomial : Family::gaussian;
      fit.lambdas = 50;
      fit.epsilon = 0.03;
      fit.seed = options.seed;
      path = std::make_shared<SparsePath>(elastic_net(features->z, response_of(*features), {}, fit));
    }
    auto most = std::min(options.nonzeros_per_class, static_cast<double>(features->width()));
    auto entry = std::make_shared<PredictionEntry>(prediction_entry(at_nonzeros(path, most), *features, id));
    return [this, index, features, path, entry] {
      features_ = features;
      path_ = path;
      pages_[index].predictions.clear();
      pages_[index].add(std::move(*entry));
    };
  });
}

void Explorer::analyse_feature(int64_t feature) {
  auto* shown = page();
  if (!shown) return;
  state_.feature = feature;
  state_.show_feature = true;
  for (const auto& entry : shown->features)
    if (entry.feature == feature) return;
  ask(fmt::format("feature {}", feature + 1), [this, feature, index = index_, model = model_, data = data_,
                                               x = shown->example.datapoint, options = options_,
                                               features = features_]() mutable {
    Method method = [&](const Datapoint& datapoint, const Target& wanted) {
      std::vector<Target> targets{wanted};
      if (model->signature().differentiable) return std::vector{gradient(*model, datapoint, targets)};
      return std::vector{lime(model, datapoint, targets, {})};
    };
    auto part = neighbourhood(data, index, options.datapoints);
    if (!features) {
      FeaturesOptions wanted;
      wanted.tap = options.tap;
      features = std::make_shared<Features>(compute_features(*model, *part, wanted));
    }
    auto local = std::make_shared<FeatureEntry>(local_feature(*model, *features, x, feature, method));
    auto examples = std::min(options.examples, features->size());
    auto global = std::make_shared<FeatureEntry>(global_feature(*model, *part, *features, feature, examples, method));
    return [this, index, local, global, features] {
      features_ = features;
      pages_[index].add(std::move(*local));
      pages_[index].add(std::move(*global));
    };
  });
}

// Goes through the whole data set; what is found shows at once, and stays when the search is cancelled.
void Explorer::search() {
  matches_ = std::make_shared<Matches>();
  ask("search", [found = matches_, text = search_, model = model_, data = data_, filter = filter_, label = label_] {
    constexpr size_t together = 64;  // datapoints whose answers are computed at once
    std::vector<int64_t> candidates;
    auto show = [&](int64_t row) {
      std::lock_guard lock(found->mutex);
      found->rows.push_back(row);
    };
    auto answer = [&] {
      auto row = candidates.begin();
      score(*model, *subset(data, candidates), 0, [&](const Datapoint& x, const at::Tensor& logits) {
        auto best = logits.argmax().item<int64_t>();
        bool right = std::find(x.labels.begin(), x.labels.end(), best) != x.labels.end();
        if (right == (filter == 1)) show(*row);
        ++row;
      });
      candidates.clear();
    };
    Progress progress("searching", data->size());
    for (int64_t i = 0; i < data->size(); ++i, progress.advance()) {
      throw_if_cancelled();
      auto x = data->get(i);
      bool labelled = label == 0 || std::find(x.labels.begin(), x.labels.end(), label - 1) != x.labels.end();
      if (!labelled || !holds(x, text)) continue;
      if (filter == 0)
        show(i);
      else
        candidates.push_back(i);
      if (candidates.size() == together) answer();
    }
    if (!candidates.empty()) answer();
    return [] {};
  });
}

void Explorer::take_picture(Window& window) {
  auto size = ImGui::GetIO().DisplaySize;
  desktop_.later([self = shared_from_this(), shown = &window, size, scale = window.scale()] {
    if (self.use_count() == 1) return;  // the window was closed
    try {
      auto pixels = self->desktop_.capture(*shown, static_cast<int>(size.x), static_cast<int>(size.y), scale);
      std::filesystem::create_directories(self->options_.folder);
      std::string path;
      for (int number = 1; path.empty() || std::filesystem::exists(path); ++number)
        path = fmt::format("{}/picture-{}.png", self->options_.folder, number);
      save_png(path, pixels);
      self->message_ = "picture in " + path;
    } catch (const std::exception& error) {
      self->message_ = error.what();
    }
    self->desktop_.wake();
  });
}

// Features of one tap are not those of another: what was found out about them is dropped.
void Explorer::use_tap(const std::string& tap) {
  if (tap == options_.tap) return;
  options_.tap = tap;
  features_ = nullptr;
  path_ = nullptr;
  state_.feature = -1;
  for (auto& [index, page] : pages_) {
    page.features.clear();
    page.predictions.clear();
  }
}

void Explorer::ask_live() {
  auto* shown = page();
  if (!shown || (live_.words.empty() && !live_.box && !live_.region)) {
    live_.answer = nullptr;
    return;
  }
  SecondOrderOptions asked;
  if (live_.box)
    asked.region = live_.box;
  else if (live_.region)
    asked.atoms = {*live_.region},
    asked.from = model_->signature().modalities[*pictured(shown->example.datapoint)].name;
  else
    for (int64_t word : live_.words) asked.words.emplace_back(word);
  ask("second-order gradient",
      [this, index = index_, model = model_, x = shown->example.datapoint, asked, wanted = target()] {
        Stopwatch watch;
        std::vector<Target> targets{wanted};
        auto made = std::make_shared<const Explanation>(second_order_gradient(*model, x, targets, asked));
        return [this, index, made, ms = watch.seconds() * 1000] {
          if (index != index_) return;
          live_.answer = made;
          live_.milliseconds = ms;
        };
      });
}

void Explorer::ask_what_if() {
  auto* shown = page();
  if (!shown) return;
  ask("what if", [this, index = index_, model = model_, x = shown->example.datapoint, asked = what_if_,
                  text = modality(ModalityKind::text), image = modality(ModalityKind::image)]() mutable {
    auto changed = x;
    if (text) std::get<Text>(changed.values[*text]).string = without(asked.text, asked.hidden_words);
    if (image) {
      const auto& pixels = std::get<Image>(x.values[*image]).pixels;
      if (!asked.segments.defined()) asked.segments = slic(pixels, segments_to_hide, 10);
      asked.picture = mean_color(pixels, asked.segments, asked.hidden_segments);
      std::get<Image>(changed.values[*image]).pixels = asked.picture;
    }
    at::NoGradGuard guard;
    asked.original = model->forward(x).features[0].to(at::kCPU, at::kDouble);
    asked.features = model->forward(changed).features[0].to(at::kCPU, at::kDouble);
    asked.answer = std::make_shared<const Prediction>(predict(*model, changed, 5));
    return [this, index, asked] {
      if (index != index_) return;
      what_if_.segments = asked.segments;
      what_if_.picture = asked.picture;
      what_if_.features = asked.features;
      what_if_.original = asked.original;
      what_if_.answer = asked.answer;
    };
  });
}

}  // namespace multiviz
