#include "crossmodal/second_order_gradient.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/progress.h"
#include "core/stopwatch.h"
#include "core/suggest.h"
#include "unimodal/leaf_gradient.h"

namespace multiviz {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// The atoms that are asked about: which entries of the leaf they are, and their names.
struct Question {
  size_t modality;
  at::Tensor entries;  // like the leaf, or broadcast to it: 1 at the entries of the chosen atoms, else 0
  std::string given;
};

size_t modality_of_kind(const Model& model, ModalityKind kind, const char* what) {
  const auto& all = model.signature().modalities;
  for (size_t m = 0; m < all.size(); ++m)
    if (all[m].kind == kind) return m;
  fail("{} has no {} modality to choose a {} of", model.signature().name, kind_name(kind), what);
}

size_t choose_modality(const Model& model, const SecondOrderOptions& options) {
  int given = !options.words.empty() + options.region.has_value() + !options.atoms.empty();
  check(given == 1, "choose what to ask about: exactly one of words, region and atoms{}",
        given == 0 ? "" : ", not several");
  const auto& all = model.signature().modalities;
  if (options.from.empty()) {
    check(options.atoms.empty(), "atoms need the modality that they are of: give from = \"{}\"", all.front().name);
    return options.region ? modality_of_kind(model, ModalityKind::image, "region")
                          : modality_of_kind(model, ModalityKind::text, "word");
  }
  size_t m = modality_index(all, options.from);
  check(options.words.empty() || all[m].kind != ModalityKind::image, "'{}' is no text to choose words of", options.from);
  check(!options.region || all[m].kind == ModalityKind::image, "'{}' is no image to choose a region of", options.from);
  return m;
}

std::string describe(const Box& box, const Datapoint& datapoint) {
  for (const auto& region : datapoint.regions) {
    const auto& b = region.box;
    if (!region.name.empty() && b.x0 == box.x0 && b.y0 == box.y0 && b.x1 == box.x1 && b.y1 == box.y1) return region.name;
  }
  return fmt::format("pixels ({:g}, {:g}) to ({:g}, {:g})", box.x0, box.y0, box.x1, box.y1);
}

// 1 at the leaf pixels whose centre lies in the box: [1, 1, h, w].
at::Tensor pixels_in(const Box& box, const Leaf& leaf) {
  int64_t h = leaf.tensor.size(2), w = leaf.tensor.size(3);
  Box area = leaf.areas.empty() ? Box{0, 0, static_cast<double>(w), static_cast<double>(h)} : leaf.areas.front();
  auto x = at::arange(w, at::kDouble).add(0.5).mul((area.x1 - area.x0) / static_cast<double>(w)).add(area.x0);
  auto y = at::arange(h, at::kDouble).add(0.5).mul((area.y1 - area.y0) / static_cast<double>(h)).add(area.y0);
  auto inside_x = x.ge(box.x0).logical_and(x.lt(box.x1)), inside_y = y.ge(box.y0).logical_and(y.lt(box.y1));
  auto inside = inside_y.unsqueeze(1).logical_and(inside_x.unsqueeze(0));
  check(inside.any().item<bool>(), "the region ({:g}, {:g}) to ({:g}, {:g}) holds no pixel that the model sees", box.x0,
        box.y0, box.x1, box.y1);
  return inside.unsqueeze(0).unsqueeze(0);
}

at::Tensor entries_of(const std::vector<int64_t>& chosen, const Players& players, const Leaf& leaf) {
  auto index = at::tensor(chosen, at::kLong);
  switch (players.kind) {
    case ModalityKind::text: {
      auto atoms = word_of_positions(players, leaf);
      return at::isin(atoms, index.to(atoms.device())).unsqueeze(2);
    }
    case ModalityKind::image: {
      auto own = player_of_leaf_pixels(players, leaf);
      return at::isin(own, index).unsqueeze(0).unsqueeze(0);
    }
    case ModalityKind::time_series: {
      auto cells = players.cells.index_select(0, index).any(0);
      auto out = at::zeros(leaf.tensor.sizes(), at::kBool);
      int64_t frames = std::min(cells.size(0), out.size(1));
      if (cells.size(1) != out.size(2)) cells = cells.any(1, true);
      out.slice(1, 0, frames).copy_(cells.slice(0, 0, frames).unsqueeze(0).expand_as(out.slice(1, 0, frames)));
      return out;
    }
    case ModalityKind::tabular: return players.cells.index_select(0, index).any(0).unsqueeze(0);
  }
  return {};
}

// The players of a time series or a table with these names, in any case; "0.6 s film" is called "film" as well.
std::vector<int64_t> find_players(const Players& players, std::span<const WordChoice> choices) {
  std::vector<int64_t> found;
  for (const WordChoice& choice : choices) {
    if (const auto* position = std::get_if<int64_t>(&choice)) {
      found.push_back(*position);
      continue;
    }
    const std::string wanted = lower(std::get<std::string>(choice));
    const size_t before = found.size();
    for (int64_t p = 0; p < players.size(); ++p) {
      const std::string name = lower(players.names[static_cast<size_t>(p)]);
      if (name == wanted || name.ends_with(" s " + wanted)) found.push_back(p);
    }
    if (found.size() == before)
      fail("'{}' has no '{}'{}", players.modality, std::get<std::string>(choice), suggestion(wanted, players.names));
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Question ask(const Model& model, const Datapoint& datapoint, size_t modality, const Leaf& leaf, bool first_image,
             const SecondOrderOptions& options) {
  if (options.region) return {modality, pixels_in(*options.region, leaf), describe(*options.region, datapoint)};
  auto players = leaf_players(model.signature().modalities[modality], datapoint, datapoint.values[modality], first_image,
                              options.players);
  auto chosen = options.atoms;
  const auto* text = std::get_if<Text>(&datapoint.values[modality]);
  if (!options.words.empty()) chosen = text ? find_words(*text, options.words) : find_players(players, options.words);
  std::vector<std::string> names;
  for (int64_t atom : chosen) {
    check(atom >= 0 && atom < players.size(), "atom {} is out of range: '{}' has {}", atom + 1, players.modality,
          players.size());
    names.push_back(players.names[static_cast<size_t>(atom)]);
  }
  return {modality, entries_of(chosen, players, leaf), fmt::format("{}", fmt::join(names, ", "))};
}

// s = the sum over the chosen entries of r(gradient).
at::Tensor through(const std::string& rule, const at::Tensor& gradient, const Leaf& leaf, const Question& question,
                   ModalityKind kind) {
  auto chosen = question.entries.to(gradient.device(), gradient.scalar_type());
  if (rule == "abs") return (gradient.abs() * chosen).sum();
  if (rule != "abs_dot") {
    std::vector<std::string> known = {"abs", "abs_dot"};
    fail("unknown through = '{}'{}", rule, suggestion(rule, known));
  }
  auto product = gradient * leaf.tensor.detach() * chosen;
  if (kind == ModalityKind::tabular) return product.abs().sum();
  return product.sum(kind == ModalityKind::image ? 1 : 2).abs().sum();
}

// Leaves and values of one datapoint with a graph that can be differentiated twice. Modalities that are neither asked
// about nor looked in get no graph.
class Differentiated {
 public:
  Differentiated(const Model& model, const Datapoint& datapoint, const std::vector<Target>& targets,
                 const std::vector<size_t>& with_graph)
      : trace_(trace_for(targets)) {
    if (!trace_) trace_ = std::make_unique<Trace>();
    trace_->set_second_order(true);
    std::vector<Encoding> encodings;
    for (size_t m = 0; m < datapoint.values.size(); ++m) {
      bool live = std::find(with_graph.begin(), with_graph.end(), m) != with_graph.end();
      at::AutoGradMode mode(live);
      leaves_.push_back(model.prepare(m, {&datapoint.values[m], 1}));
      leaves_.back().tensor = leaves_.back().tensor.detach().set_requires_grad(live);
      encodings.push_back(model.encode(m, leaves_.back(), trace_.get()));
    }
    at::AutoGradMode mode(true);
    auto output = model.fuse(encodings, trace_.get());
    values_ = evaluate(targets, model.signature(), output, trace_.get()).select(0, 0);
    if (!at::isfinite(values_).all().item<bool>()) {
      check_finite(model, leaves_, output);
      fail("{} gives values that are not finite: check the weights and the input", model.signature().name);
    }
  }

  const std::vector<Leaf>& leaves() const { return leaves_; }

  // d s / d leaf for the modalities `to`; zeros where s does not depend on it.
  std::vector<at::Tensor> second(int64_t k, const Question& question, const std::vector<size_t>& to,
                                 const std::string& rule, ModalityKind kind) const {
    at::AutoGradMode mode(true);
    const auto& from = leaves_[question.modality];
    std::vector<at::Tensor> inputs, gradients(to.size());
    for (size_t m : to) inputs.push_back(leaves_[m].tensor);
    bool last = k + 1 == values_.size(0);
    at::Tensor first;
    if (values_.requires_grad()) first = torch::autograd::grad({values_[k]}, {from.tensor}, {}, true, true, true)[0];
    auto s = through(rule, first.defined() ? first : at::zeros_like(from.tensor).detach(), from, question, kind);
    if (s.requires_grad()) gradients = torch::autograd::grad({s}, inputs, {}, !last, false, true);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!gradients[i].defined()) gradients[i] = at::zeros_like(inputs[i]).detach();
    return gradients;
  }

 private:
  std::unique_ptr<Trace> trace_;
  std::vector<Leaf> leaves_;
  at::Tensor values_;  // [K]
};

nlohmann::json options_json(const Model& model, const SecondOrderOptions& options, size_t from,
                            const std::vector<size_t>& to) {
  const auto& all = model.signature().modalities;
  auto json = options.players.json();
  json["from"] = all[from].name;
  for (size_t m : to) json["to"].push_back(all[m].name);
  json["through"] = options.through;
  for (const auto& word : options.words)
    std::visit([&](const auto& choice) {
      if constexpr (std::is_same_v<std::decay_t<decltype(choice)>, std::string>)
        json["words"].push_back(choice);
      else
        json["words"].push_back(choice + 1);
    }, word);
  for (int64_t atom : options.atoms) json["atoms"].push_back(atom + 1);
  if (options.region) json["region"] = {options.region->x0, options.region->y0, options.region->x1, options.region->y1};
  return json;
}

std::vector<size_t> other_modalities(const Model& model, size_t from, const std::vector<std::string>& names) {
  auto to = find_modalities(model, names);
  if (names.empty()) std::erase(to, from);
  check(!to.empty(), "{} has one modality: there is no other to look in", model.signature().name);
  check(std::find(to.begin(), to.end(), from) == to.end(), "'{}' is what is asked about: look in another modality",
        model.signature().modalities[from].name);
  return to;
}

}  // namespace

std::vector<int64_t> find_words(const Text& text, std::span<const WordChoice> choices) {
  auto shown = word_list(text.string);
  std::vector<std::string> present;
  for (const auto& word : shown) present.push_back(lower(word));
  std::set<int64_t> found;
  for (const auto& choice : choices) {
    if (const auto* position = std::get_if<int64_t>(&choice)) {
      check(*position >= 0 && *position < std::ssize(present), "word {} is out of range: the text has {}: {}",
            *position + 1, present.size(), fmt::join(shown, ", "));
      found.insert(*position);
      continue;
    }
    auto wanted = word_list(lower(std::get<std::string>(choice)));
    size_t before = found.size(), length = wanted.size();
    bool any = false;
    for (size_t i = 0; length > 0 && i + length <= present.size(); ++i) {
      if (!std::equal(wanted.begin(), wanted.end(), present.begin() + static_cast<std::ptrdiff_t>(i))) continue;
      any = true;
      for (size_t j = i; j < i + length; ++j) found.insert(static_cast<int64_t>(j));
    }
    check(any || found.size() > before, "there is no '{}' in the text: its words are {}", std::get<std::string>(choice),
          fmt::join(shown, ", "));
  }
  return {found.begin(), found.end()};
}

Explanation second_order_gradient(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                                  const SecondOrderOptions& options) {
  Stopwatch watch;
  const auto& all = model.signature().modalities;
  require_differentiable(model, "second_order_gradient");
  check_datapoint(model, datapoint);
  std::vector<Target> explained(targets.begin(), targets.end());
  check(!explained.empty(), "nothing to explain: give at least one target");
  for (const auto& target : explained) target.validate(model.signature());
  size_t from = choose_modality(model, options);
  auto to = other_modalities(model, from, options.to);
  auto is_image = [](const Modality& m) { return m.kind == ModalityKind::image; };
  auto image = static_cast<size_t>(std::find_if(all.begin(), all.end(), is_image) - all.begin());

  Progress progress("second_order_gradient", std::ssize(explained) + 1);
  auto with_graph = to;
  with_graph.push_back(from);
  Differentiated run(model, datapoint, explained, with_graph);
  auto question = ask(model, datapoint, from, run.leaves()[from], from == image, options);
  progress.advance();

  auto explanation = start_explanation("second_order_gradient", "C", model, datapoint, explained);
  explanation.options = options_json(model, options, from, to);
  for (size_t k = 0; k < explained.size(); ++k) {
    auto scores = run.second(static_cast<int64_t>(k), question, to, options.through, all[from].kind);
    for (size_t i = 0; i < to.size(); ++i) {
      auto players = leaf_players(all[to[i]], datapoint, datapoint.values[to[i]], to[i] == image, options.players);
      auto attribution = gather_players(std::move(players), run.leaves()[to[i]], scores[i].select(0, 0),
                                        options.players, Gather::saliency);
      attribution.target = k;
      attribution.given = question.given;
      explanation.attributions.push_back(std::move(attribution));
    }
    progress.advance();
  }
  explanation.cost = {std::ssize(all), 1, watch.seconds()};
  return explanation;
}

}  // namespace multiviz
