#include "data/blocks/question.h"

#include "core/error.h"
#include "data/blocks/families.h"

namespace multiviz::blockworld {
namespace {

// The mixture of families and hops, in thousandths. About 45 % of the questions have no hop, 35 % one, 15 % two, 5 %
// three.
enum class Kind { exist, count, query, equal, compare, same };
struct Share {
  Kind kind;
  int hops, share;
};
constexpr Share kMixture[] = {
    {Kind::exist, 0, 80},   {Kind::exist, 1, 45}, {Kind::exist, 2, 40}, {Kind::exist, 3, 13},  {Kind::count, 0, 80},
    {Kind::count, 1, 45},   {Kind::count, 2, 40}, {Kind::count, 3, 13}, {Kind::query, 0, 150}, {Kind::query, 1, 80},
    {Kind::query, 2, 70},   {Kind::query, 3, 24}, {Kind::equal, 0, 80}, {Kind::equal, 1, 40},  {Kind::compare, 0, 60},
    {Kind::compare, 1, 20}, {Kind::same, 1, 120},
};

Share sample_kind(Random& random) {
  int64_t total = 0;
  for (const Share& share : kMixture) total += share.share;
  int64_t drawn = random.below(total);
  for (const Share& share : kMixture) {
    drawn -= share.share;
    if (drawn < 0) return share;
  }
  return kMixture[0];
}

std::optional<Question> ask(Share share, const World& world, Random& random) {
  switch (share.kind) {
    case Kind::exist:
      return ask_exist(world, random, share.hops);
    case Kind::count:
      return ask_count(world, random, share.hops);
    case Kind::query:
      return ask_query(world, random, share.hops);
    case Kind::equal:
      return ask_equal(world, random, share.hops);
    case Kind::compare:
      return ask_compare(world, random, share.hops);
    default:
      return ask_same(world, random);
  }
}

}  // namespace

Question sample_question(const World& world, Random& random) {
  for (int round = 0; round < 1000; ++round) {
    Share share = sample_kind(random);
    // Many draws for one kind before another is drawn keeps the mixture.
    for (int attempt = 0; attempt < 200; ++attempt) {
      std::optional<Question> question = ask(share, world, random);
      if (!question) continue;
      std::optional<Outcome> outcome = execute(question->program, world);
      if (!outcome) continue;
      question->answer = outcome->answer;
      question->referred = outcome->referred;
      return *question;
    }
  }
  fail("a scene with {} objects allows no question: give it more", world.size());
}

}  // namespace multiviz::blockworld
