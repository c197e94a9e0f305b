#include <ATen/ATen.h>

#include "core/error.h"
#include "perturb/maskers.h"

namespace multiviz {
namespace {

class TextMasker : public Masker {
 public:
  TextMasker(const Text& text, const std::string& modality, const MaskerOptions& options)
      : text_(text.string), mask_word_(options.mask_word), remove_(options.words == "remove") {
    players_.modality = modality;
    players_.kind = ModalityKind::text;
    players_.spans = words(text_);
    players_.names = word_list(text_);
  }

  const Players& players() const override { return players_; }

  std::vector<Value> render(const at::Tensor& coalitions) const override {
    auto masks = coalitions.cpu().contiguous();
    const bool* kept = masks.const_data_ptr<bool>();
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(masks.size(0)));
    for (int64_t s = 0; s < masks.size(0); ++s, kept += players_.size())
      values.push_back(Text{remove_ ? shortened(kept) : replaced(kept)});
    return values;
  }

 private:
  // A removed word takes what stands before it along.
  std::string shortened(const bool* kept) const {
    std::string out;
    size_t end = 0;
    for (size_t w = 0; w < players_.spans.size(); ++w) {
      auto [begin, next] = players_.spans[w];
      if (kept[w]) {
        if (!out.empty()) out.append(text_, end, begin - end);
        out.append(text_, begin, next - begin);
      }
      end = next;
    }
    return out.empty() ? mask_word_ : out;
  }

  std::string replaced(const bool* kept) const {
    std::string out;
    size_t end = 0;
    for (size_t w = 0; w < players_.spans.size(); ++w) {
      auto [begin, next] = players_.spans[w];
      out.append(text_, end, begin - end);
      if (kept[w])
        out.append(text_, begin, next - begin);
      else
        out += mask_word_;
      end = next;
    }
    return out.append(text_, end);
  }

  std::string text_, mask_word_;
  bool remove_;
  Players players_;
};

}  // namespace

MaskerPtr make_text_masker(const Text& text, const std::string& modality, const MaskerOptions& options) {
  static const std::vector<std::string> known = {"remove", "replace"};
  check_choice("words", options.words, known);
  check(!words(options.mask_word).empty(), "mask_word must hold a word, got '{}'", options.mask_word);
  auto masker = std::make_shared<TextMasker>(text, modality, options);
  check(masker->players().size() > 0, "'{}' is empty: give a text of at least one word", modality);
  return masker;
}

}  // namespace multiviz
