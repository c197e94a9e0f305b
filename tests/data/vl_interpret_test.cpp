#include "data/vl_interpret.h"

#include <ATen/ATen.h>

#include <filesystem>

#include "io/file.h"
#include "io/lmdb.h"
#include "io/lz4.h"
#include "io/pickle.h"
#include "io/pickle_writer.h"
#include "tests/scratch.h"

using namespace multiviz;

namespace {

// Made by tests/fixtures/data/make_vl_interpret.py, which says what is in it.
const std::string fixture = "tests/fixtures/data/vl_interpret";

Recording sample(const std::string& id) {
  Recording recording;
  recording.id = id;
  recording.image = at::full({4, 6, 3}, 7, at::kByte);
  recording.tokens = {"[CLS]", "größe", "IMG_0"};
  recording.text_length = 2;
  recording.cells = {{0, 0}};
  recording.correct = false;
  recording.attention = at::rand({2, 3, 3, 3});
  recording.hidden_states = at::rand({3, 3, 5}, at::kDouble);
  recording.metrics["entropy"] = at::rand({2, 3});
  return recording;
}

}  // namespace

TEST_CASE("a database of VL-InterpreT's own writer is read") {
  Recordings recordings(fixture);
  REQUIRE(recordings.size() == 2);
  const Recording one = recordings.get(1);
  CHECK(one.id == "1");
  CHECK(one.image.equal(at::full({4, 6, 3}, 130, at::kByte)));
  CHECK(one.tokens == std::vector<std::string>{"[CLS]", "text", "input", "1", "[SEP]", "IMG_0", "IMG_1"});
  CHECK(one.text_length == 5);
  CHECK(one.cells == std::vector<std::pair<int64_t, int64_t>>{{0, 0}, {1, 0}});
  CHECK(one.correct == false);
  CHECK(one.attention.equal(at::full({2, 3, 7, 7}, 1.5, at::kDouble)));
  CHECK(one.hidden_states.equal(at::arange(84, at::kDouble).reshape({3, 7, 4})));
  CHECK(one.metrics.at("Example Custom Metrics").equal(at::full({2, 3}, 0.25, at::kDouble)));
}

TEST_CASE("a database is a data set of pictures and texts") {
  auto data = open_vl_interpret(fixture);
  CHECK(data->size() == 2);
  const Datapoint x = data->get(0);
  CHECK(std::get<Text>(x.values[1]).string == "text input 0");
  CHECK(x.annotations["correct"] == true);
  CHECK(data->labels() == std::vector<std::string>{"wrong", "right"});
  CHECK(x.labels == std::vector<int64_t>{1});
  CHECK(data->get(1).labels == std::vector<int64_t>{0});
  CHECK(x.annotations["tokens"][6] == "IMG_1");
}

TEST_CASE("recordings are written as they are read") {
  Scratch scratch;
  const Recording ten = sample("10"), two = sample("2");
  save_recordings(scratch / "db", {ten, two});
  Recordings recordings(scratch / "db");
  CHECK(recordings.ids() == std::vector<std::string>{"2", "10"});
  const Recording back = recordings.get(1);
  CHECK(back.image.equal(ten.image));
  CHECK(back.tokens == ten.tokens);
  CHECK(back.cells == ten.cells);
  CHECK(back.correct == ten.correct);
  CHECK(back.attention.equal(ten.attention));
  CHECK(back.hidden_states.equal(ten.hidden_states));
  CHECK(back.metrics.at("entropy").equal(ten.metrics.at("entropy")));
}

TEST_CASE("recordings whose parts do not fit together are not written") {
  Scratch scratch;
  auto refusal = [&](auto&& change) {
    Recording recording = sample("0");
    change(recording);
    const std::string message = error_of([&] { save_recordings(scratch / "db", {recording}); });
    CHECK(std::filesystem::is_empty(scratch.folder()));
    return message;
  };
  CHECK(refusal([](Recording& r) { r.id = "a"; }) == has("must be a number"));
  CHECK(refusal([](Recording& r) { r.text_length = 4; }) == has("4 of 3 tokens cannot be the text's"));
  CHECK(refusal([](Recording& r) { r.attention = at::rand({2, 3, 3, 4}); }) == has("the attention must be"));
  CHECK(refusal([](Recording& r) { r.hidden_states = at::rand({2, 3, 5}); }) == has("must be [3, 3, width]"));
  CHECK(refusal([](Recording& r) { r.cells.clear(), r.cells.resize(2); }) == has("1 picture tokens have 2 cells"));
  CHECK(refusal([](Recording& r) { r.image = at::full({2, 2, 3}, 300); }) == has("colours from 0 to 255"));
  CHECK(error_of([&] { save_recordings(scratch / "db", {sample("1"), sample("1")}); }) == has("is there twice"));
  CHECK(error_of([&] { save_recordings(scratch / "db", {}); }) == has("there are no recordings"));
}

TEST_CASE("damaged examples are named and can be skipped") {
  Scratch scratch;
  {
    const auto whole = LmdbReader(fixture).get("0").value();
    LmdbWriter writer(scratch / "db");
    writer.put("0", whole);
    writer.put("1", whole.substr(0, whole.size() / 2));
    writer.put("2", "no frame");
    writer.put("3", compress_lz4("\xc4\x05N."));
    writer.put("4", compress_lz4("\xc4\x02N."));
    writer.commit();
  }
  Recordings recordings(scratch / "db");
  CHECK(recordings.size() == 5);
  CHECK(error_of([&] { recordings.get(1); }) == has("db': example 1: the LZ4 frame is cut short"));
  CHECK(error_of([&] { recordings.get(2); }) == has("example 2: the LZ4 frame is damaged"));
  CHECK(error_of([&] { recordings.get(3); }) == has("example 3: the value is cut short"));
  CHECK(error_of([&] { recordings.get(4); }) == has("example 4"));
  auto kept = readable(open_vl_interpret(scratch / "db"));
  CHECK(kept->size() == 1);
  CHECK(kept->skipped().count == 4);
  {
    LmdbWriter writer(scratch / "empty");
    writer.put("n_examples", "0");
    writer.commit();
  }
  CHECK(error_of([&] { Recordings(scratch / "empty"); }) == has("empty' has no examples"));
  std::filesystem::create_directory(scratch / "nothing");
  CHECK(error_of([&] { Recordings(scratch / "nothing"); }) == has("there is no 'data.mdb' in"));
  CHECK(error_of([&] { Recordings(scratch / "nowhere"); }) == has("https://github.com/IntelLabs/VL-InterpreT"));
}

TEST_CASE("an LZ4 frame can claim any size") {
  const std::string frame = compress_lz4(std::string(100'000, 'a'));
  CHECK(decompress_lz4(frame, "x").size() == 100'000);
  CHECK(error_of([&] { decompress_lz4(frame, "x", 99'999); }) == "x: the LZ4 frame holds more than 99999 bytes");
}

TEST_CASE("what the pickle writer writes, the reader reads") {
  PickleWriter out;
  out.begin_dict();
  out.text("numbers"), out.begin_list();
  for (int64_t n : {int64_t{0}, int64_t{-1}, int64_t{1} << 40}) out.integer(n);
  out.real(-2.5), out.boolean(true), out.none(), out.end_list();
  out.text("pair"), out.begin_tuple(), out.bytes("\x80z"), out.text("é"), out.end_tuple();
  for (at::ScalarType type :
       {at::kFloat, at::kDouble, at::kHalf, at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kBool})
    out.text(at::toString(type)), out.array(at::tensor({0, 1, 1, 0, 1, 0}).reshape({3, 2}).t().to(type));
  out.end_dict();
  auto bytes = std::make_shared<const std::string>(out.finish());
  const Pickle read = read_pickle({bytes, *bytes}, "x");
  const Pickle numbers = read.at("numbers", "x");
  CHECK(numbers[1].integer("x") == -1);
  CHECK(numbers[2].integer("x") == int64_t{1} << 40);
  CHECK(numbers[3].number("x") == -2.5);
  CHECK(numbers[4].boolean("x"));
  CHECK(numbers[5].is_none());
  CHECK(read.at("pair", "x").is(PickleKind::tuple));
  CHECK(read.at("pair", "x")[0].bytes("x") == "\x80z");
  CHECK(read.at("pair", "x")[1].text("x") == "é");
  for (const char* type : {"Float", "Double", "Half", "Byte", "Char", "Short", "Int", "Long", "Bool"}) {
    INFO(type);
    const at::Tensor back = read.at(type, "x").tensor("x");
    CHECK(std::string(at::toString(back.scalar_type())) == type);
    CHECK(back.to(at::kInt).equal(at::tensor({0, 1, 1, 0, 1, 0}).reshape({3, 2}).t().to(at::kInt)));
  }
  CHECK(error_of([] { PickleWriter().array(at::zeros({1}, at::kBFloat16)); }) == has("convert it to float32"));
}
