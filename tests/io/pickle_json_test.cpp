#include "io/pickle_json.h"

#include <doctest/doctest.h>

#include "io/pickle_writer.h"

using namespace multiviz;

namespace {

nlohmann::json converted(PickleWriter& writer) {
  auto bytes = std::make_shared<const std::string>(writer.finish());
  return pickle_to_json(read_pickle({bytes, *bytes}, "x.pkl"), "x.pkl");
}

}  // namespace

TEST_CASE("plain data in a pickle is JSON; what is none is left out with the list that holds it") {
  PickleWriter writer;
  writer.begin_dict();
  writer.text("plain");
  writer.begin_list();
  writer.integer(-3);
  writer.begin_tuple();
  writer.real(0.5), writer.boolean(true), writer.none(), writer.text("word");
  writer.end_tuple();
  writer.end_list();
  writer.text("bytes");
  writer.bytes("abc");
  writer.text("mixed");
  writer.begin_list();
  writer.integer(1), writer.bytes("abc");
  writer.end_list();
  writer.integer(7), writer.text("under a number");
  writer.end_dict();
  CHECK(converted(writer) == nlohmann::json{{"plain", {-3, {0.5, true, nullptr, "word"}}}});
}

TEST_CASE("a pickle's lists are JSON down to 20 levels") {
  for (int levels : {19, 21}) {
    PickleWriter writer;
    for (int i = 0; i < levels; ++i) writer.begin_list();
    for (int i = 0; i < levels; ++i) writer.end_list();
    CHECK(converted(writer).is_discarded() == (levels > 20));
  }
}
