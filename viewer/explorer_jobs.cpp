#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "core/error.h"
#include "core/stopwatch.h"
#include "crossmodal/dime.h"
#include "crossmodal/second_order_gradient.h"
#include "models/score.h"
#include "perturb/superpixels.h"
#include "prediction/elastic_net.h"
#include "prediction/prediction_entry.h"
#include "representation/analysis.h"
#include "unimodal/gradient.h"
#include "unimodal/integrated_gradients.h"
#include "unimodal/kernel_shap.h"
#include "unimodal/lime.h"
#include "viewer/explorer.h"

// The explorer's work: each job copies what it needs, and its result is put in place on the main thread.
namespace multiviz {
namespace {

constexpr int64_t segments_to_hide = 40;

Explanation explain(const std::string& method, const ModelPtr& model, const Datapoint& x, const Dataset& data,
                    const Target& target, const ExplorerOptions& options) {
  std::vector<Target> targets{target};
  if (method == "gradient") return gradient(*model, x, targets);
  if (method == "integrated gradients") return integrated_gradients(*model, x, targets, {});
  if (method == "lime")
    return lime(model, x, targets, {.modalities = {}, .masker = {}, .seed = options.seed, .coalitions = {}});
  if (method == "kernel shap") {
    KernelShapOptions shap;
    shap.seed = options.seed;
    return kernel_shap(model, x, targets, shap);
  }
  check(method == "dime", "there is no method '{}'", method);
  DimeOptions dime_options;
  dime_options.seed = options.seed;
  auto context = sample(std::shared_ptr<const Dataset>(&data, [](const Dataset*) {}),
                        std::min(options.context, data.size()), options.seed);
  return dime(model, x, *context, targets, dime_options);
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
    auto made = std::make_shared<Explanation>(explain(method, model, x, *data, wanted, options));
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

void Explorer::search() {
  ask("search", [this, text = search_, data = data_, filter = filter_, label = label_, answers = answers_] {
    auto found = std::make_shared<std::vector<int64_t>>();
    constexpr int64_t most = 20'000;
    auto total = std::min(data->size(), most);
    Progress progress("searching", total);
    for (int64_t i = 0; i < total; ++i) {
      auto x = data->get(i);
      auto answer = answers.find(i);
      int64_t truth = x.labels.empty() ? -1 : x.labels[0];
      bool right = answer != answers.end() && answer->second == truth;
      bool fits = holds(x, text) && (label == 0 || truth == label - 1) &&
                  (filter == 0 || (answer != answers.end() && right == (filter == 1)));
      if (fits) found->push_back(i);
      progress.advance();
    }
    return [this, found] { matches_ = *found; };
  });
}

void Explorer::answer_all() {
  ask("answers", [this, model = model_, data = data_, most = options_.datapoints] {
    auto answers = std::make_shared<std::map<int64_t, int64_t>>();
    std::vector<int64_t> rows;
    for (int64_t i = 0; i < std::min(most, data->size()); ++i) rows.push_back(i);
    const auto& names = data->labels();
    const auto& labels = model->signature().labels;
    int64_t i = 0;
    score(*model, *subset(data, rows), 0, [&](const Datapoint&, const at::Tensor& logits) {
      auto best = logits.argmax().item<int64_t>();
      auto at = std::find(names.begin(), names.end(), labels.empty() ? "" : labels[static_cast<size_t>(best)]);
      (*answers)[i++] = at == names.end() ? -1 : at - names.begin();
    });
    return [this, answers] { answers_ = *answers; };
  });
}

void Explorer::ask_live() {
  auto* shown = page();
  if (!shown || (live_.words.empty() && !live_.box)) {
    live_.answer = nullptr;
    return;
  }
  SecondOrderOptions asked;
  if (live_.box)
    asked.region = live_.box;
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
