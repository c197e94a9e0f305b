#include "models/train.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "core/cancel.h"
#include "core/error.h"
#include "core/progress.h"
#include "core/random.h"
#include "core/suggest.h"
#include "data/prefetch.h"
#include "models/checkpoint.h"
#include "models/pattern.h"
#include "models/score.h"

namespace multiviz {
namespace {

// Gradients on and the model in training mode, for as long as it lives.
class Training {
 public:
  Training(Model& model, NamedTensors parameters) : model_(model), parameters_(std::move(parameters)) {
    for (auto& [_, tensor] : parameters_) tensor.set_requires_grad(true);
    model_.set_training(true);
  }
  ~Training() {
    model_.set_training(false);
    for (auto& [_, tensor] : parameters_) tensor.set_requires_grad(false);
  }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

 private:
  Model& model_;
  NamedTensors parameters_;
};

// The datapoints of a step: in order, or a new permutation every time around.
class Order {
 public:
  Order(int64_t size, int64_t batch, bool shuffle, uint64_t seed)
      : size_(size), batch_(batch), shuffle_(shuffle), seed_(seed) {}

  std::vector<int64_t> operator()(int64_t step) {
    std::vector<int64_t> out;
    for (int64_t k = step * batch_; k < (step + 1) * batch_; ++k) out.push_back(at(k));
    return out;
  }

 private:
  int64_t at(int64_t k) {
    if (!shuffle_) return k % size_;
    if (k / size_ != round_ || permutation_.empty()) permute(k / size_);
    return permutation_[k % size_];
  }

  void permute(int64_t round) {
    round_ = round;
    permutation_.resize(size_);
    for (int64_t i = 0; i < size_; ++i) permutation_[i] = i;
    Random random(seed_, static_cast<uint64_t>(round));
    for (int64_t i = size_ - 1; i > 0; --i) std::swap(permutation_[i], permutation_[random.below(i + 1)]);
  }

  int64_t size_, batch_;
  bool shuffle_;
  uint64_t seed_;
  int64_t round_ = 0;
  std::vector<int64_t> permutation_;
};

double learning_rate(const TrainOptions& options, int64_t step, int64_t steps) {
  auto warm = std::max<int64_t>(1, std::llround(options.warmup * static_cast<double>(steps)));
  if (step < warm) return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warm);
  double done = static_cast<double>(step - warm) / static_cast<double>(std::max<int64_t>(1, steps - warm));
  return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

// Those to train.
NamedTensors chosen_parameters(const Model& model, const std::vector<std::string>& only) {
  auto all = model.parameters();
  if (only.empty()) return all;
  std::vector<std::string> names;
  for (const auto& [name, _] : all) names.push_back(name);
  for (const auto& pattern : only)
    if (std::none_of(names.begin(), names.end(), [&](const auto& name) { return matches(pattern, name); }))
      fail("{} has no parameter '{}'{}", model.signature().name, pattern, suggestion(pattern, names));
  std::erase_if(all, [&](const auto& entry) {
    return std::none_of(only.begin(), only.end(), [&](const auto& pattern) { return matches(pattern, entry.first); });
  });
  return all;
}

void validate(const Model& model, const Dataset& data, const TrainOptions& options) {
  const auto& name = model.signature().name;
  check(data.size() > 0, "{} is empty: there is nothing to train {} on", data.name(), name);
  check(!model.parameters().empty(), "{} has no parameters to train: give the model its parameters", name);
  check(model.signature().differentiable, "{} is declared not differentiable, so it cannot be trained", name);
  check(options.steps >= 0 && options.epochs > 0, "training takes steps > 0, or epochs > 0");
  check(options.batch > 0, "batch is {}: give at least 1", options.batch);
  check(options.learning_rate > 0, "learning_rate is {}: give a number above 0", options.learning_rate);
  check(options.warmup >= 0 && options.warmup <= 1, "warmup is {}: give a share of the steps, from 0 to 1",
        options.warmup);
  check(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1,
        "betas are {} and {}: give numbers from 0 to below 1", options.beta1, options.beta2);
  check(options.weight_decay >= 0 && options.clip >= 0, "weight_decay and clip cannot be negative");
  check(options.guide.weight >= 0 && (options.guide.weight > 0) == !options.guide.taps.empty(),
        "a guide needs taps and a weight above 0");
  check(options.describe.weight >= 0 && (options.describe.weight > 0) == !options.describe.tap.empty(),
        "describe needs a tap and a weight above 0");
  auto used = options.guide.taps;
  if (!options.describe.tap.empty()) used.push_back(options.describe.tap);
  for (const auto& tap : used)
    if (const auto& taps = model.signature().taps; std::find(taps.begin(), taps.end(), tap) == taps.end())
      fail("{} has no tap '{}'{}", name, tap, suggestion(tap, taps));
  match_modalities(model.signature(), data.modalities());
  if (options.validation) match_modalities(model.signature(), options.validation->modalities());
}

class Run {
 public:
  Run(Model& model, DatasetPtr data, const TrainOptions& options)
      : model_(model),
        data_(std::move(data)),
        options_(options),
        steps_(options.steps > 0
                   ? options.steps
                   : std::max<int64_t>(1, std::llround(std::ceil(options.epochs * static_cast<double>(data_->size()) /
                                                                 static_cast<double>(options.batch))))),
        validate_every_(options.validate_every > 0 ? options.validate_every : std::max<int64_t>(1, steps_ / 10)),
        checkpoint_every_(options.checkpoint_every > 0 ? options.checkpoint_every : validate_every_),
        key_(run_key(model, *data_, options, steps_)) {
    named_ = chosen_parameters(model, options.only);
    if (options.describe.weight > 0) {
      describer_.emplace(options.describe, *data_);
      for (auto& head : describer_->make_head(described_features(), model.device())) named_.push_back(head);
    }
    for (auto& [_, tensor] : named_) parameters_.push_back(tensor);
    optimizer_ = std::make_unique<AdamW>(parameters_, options.beta1, options.beta2, options.weight_decay);
  }

  TrainResult operator()() {
    if (!options_.checkpoint.empty() && std::filesystem::exists(options_.checkpoint))
      progress_ = load_checkpoint(options_.checkpoint, key_, model_, named_, *optimizer_);
    {
      Progress shown("train", steps_);
      shown.advance(progress_.step);
      Training training(model_, named_);
      Prefetch batches(data_, progress_.step, steps_,
                       Order(data_->size(), options_.batch, options_.shuffle, options_.seed),
                       [&](Datapoint x) { return adapt(model_.signature(), *data_, std::move(x)); });
      while (progress_.step < steps_) {
        if (cancel_requested()) save();
        throw_if_cancelled();
        step(batches.next().datapoints);
        shown.advance();
      }
    }
    if (!progress_.best.empty()) copy_weights(all_weights(model_), progress_.best, "the best weights");
    return {progress_.step, progress_.best_step, progress_.best_accuracy, std::move(history_)};
  }

 private:
  // K of the tap to describe, from one datapoint.
  int64_t described_features() const {
    at::NoGradGuard no_grad;
    Trace trace;
    trace.record(options_.describe.tap);
    model_.forward(adapt(model_.signature(), *data_, data_->get(0)), &trace);
    return trace.at(options_.describe.tap).size(1);
  }

  void step(const std::vector<Datapoint>& batch) {
    double rate = learning_rate(options_, progress_.step, steps_);
    {
      at::AutoGradMode gradients_on(true);
      Trace trace;
      for (const auto& name : options_.guide.taps) trace.record(name);
      if (describer_) trace.record(options_.describe.tap);
      auto value = loss(model_, batch, forward_shared(model_, batch, &trace));
      double number = value.item<double>();
      check(std::isfinite(number), "the loss is not finite at step {}: lower the learning rate (it was {:.2g})",
            progress_.step + 1, rate);
      if (options_.guide.weight > 0)
        if (auto guide = guide_loss(trace, options_.guide, batch); guide.defined())
          value = value + options_.guide.weight * guide;
      if (describer_)
        if (auto described = describer_->loss(trace, batch); described.defined())
          value = value + options_.describe.weight * described;
      auto gradients = torch::autograd::grad({value}, parameters_, {}, /*retain_graph=*/false, /*create_graph=*/false,
                                             /*allow_unused=*/true);
      for (size_t i = 0; i < gradients.size(); ++i)
        if (!gradients[i].defined()) gradients[i] = at::zeros_like(parameters_[i]);
      if (options_.clip > 0) clip_norm(gradients, options_.clip);
      optimizer_->step(gradients, rate);
      loss_sum_ += number;
      ++loss_count_;
    }
    ++progress_.step;
    after_step(rate);
  }

  void after_step(double rate) {
    bool last = progress_.step == steps_;
    bool validates = options_.validation && (last || progress_.step % validate_every_ == 0);
    bool reports = validates || last || (options_.report_every > 0 && progress_.step % options_.report_every == 0);
    if (reports) {
      TrainStatus status{
          progress_.step, loss_sum_ / static_cast<double>(loss_count_), rate, seconds(), validates, 0, 0};
      loss_sum_ = 0, loss_count_ = 0;
      if (validates) measure(status);
      history_.push_back(status);
      if (options_.report) options_.report(status);
    }
    if (last || progress_.step % checkpoint_every_ == 0) save();
  }

  void measure(TrainStatus& status) {
    model_.set_training(false);
    auto result = score(model_, *options_.validation, options_.batch);
    model_.set_training(true);
    status.validation_loss = result.loss;
    status.validation_accuracy = result.accuracy;
    if (!progress_.best.empty() && result.accuracy <= progress_.best_accuracy) return;
    progress_.best = snapshot(model_);
    progress_.best_accuracy = result.accuracy;
    progress_.best_step = progress_.step;
  }

  void save() {
    if (!options_.checkpoint.empty())
      save_checkpoint(options_.checkpoint, key_, model_, named_, *optimizer_, progress_);
  }

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

  Model& model_;
  DatasetPtr data_;
  const TrainOptions& options_;
  int64_t steps_, validate_every_, checkpoint_every_;
  std::string key_;
  std::optional<Describer> describer_;
  NamedTensors named_;                  // the model's parameters, and the describer's
  std::vector<at::Tensor> parameters_;  // the same, without their names
  std::unique_ptr<AdamW> optimizer_;
  TrainProgress progress_;
  std::vector<TrainStatus> history_;
  double loss_sum_ = 0;
  int64_t loss_count_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

TrainResult train(Model& model, DatasetPtr data, const TrainOptions& options) {
  check(data != nullptr, "training needs data");
  validate(model, *data, options);
  return Run(model, std::move(data), options)();
}

}  // namespace multiviz
