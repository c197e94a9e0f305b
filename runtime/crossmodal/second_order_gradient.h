#pragma once
#include <optional>
#include <span>
#include <variant>

#include "unimodal/leaf_players.h"

namespace multiviz {

// A word, or several in a row ("red cube"), wherever it occurs, in any case; or one position, 0-based.
using WordChoice = std::variant<std::string, int64_t>;

// 0-based positions of the words chosen, in the order of the text and each once. Throws Error that lists the words when
// one is not there.
std::vector<int64_t> find_words(const Text& text, std::span<const WordChoice> choices);

struct SecondOrderOptions {
  // What is asked about: exactly one of the three.
  std::vector<WordChoice> words;   // of a text; or names of the players of a time series or a table, which `from` names
  std::optional<Box> region;       // of an image, in its pixels
  std::vector<int64_t> atoms;      // of any modality: players of it, 0-based, that options.players makes
  std::string from;                // their modality; "" takes the first text for words, the first image for a region
  std::vector<std::string> to;     // the modalities to look in; empty: all the others
  // How the gradient at the atoms becomes one number s. "abs": the sum of |d f / d entry|. "abs_dot": the sum over
  // positions (pixels, tokens, frames) of |entry . d f / d entry|, the entry held constant, as the paper's code does.
  std::string through = "abs";
  PlayerOptions players;
};

// Second-order gradients (the paper's Definition 2 and appendix D.2): s = sum over the chosen atoms of r(d f / d atom),
// then d s / d leaf of the other modalities, reduced as `gradient` does: where f's dependence on the atoms depends on the
// other modality. Exactly zero for a model that adds up functions of single modalities. One forward pass, and for each
// target one backward pass to the atoms and one through that. Each attribution's `given` names the atoms.
// Throws Error when the model is not differentiable, its output is not finite, or the atoms do not exist.
Explanation second_order_gradient(const Model& model, const Datapoint& datapoint, std::span<const Target> targets,
                                  const SecondOrderOptions& options);

}  // namespace multiviz
