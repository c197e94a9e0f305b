#include "data/flickr30k/flickr30k.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "data/flickr30k/entities.h"
#include "io/file.h"
#include "tests/data/published_folder.h"

using namespace multiviz;
using nlohmann::json;

namespace {

struct Flickr : test::PublishedFolder<Flickr30kOptions> {
  Flickr() : PublishedFolder("flickr30k", "train") {}
};

bool equal(const Box& a, const Box& b) { return a.x0 == b.x0 && a.y0 == b.y0 && a.x1 == b.x1 && a.y1 == b.y1; }

}  // namespace

TEST_CASE("a caption of Flickr30k Entities") {
  // The authors' example of the form (README.md): [/EN#<chain id>/<type 1>/<type 2> <word 1> ... <word n>].
  const auto caption = flickr30k::parse_caption(
      "[/EN#3/people Two young men] near [/EN#0/notvisual it] , [/EN#12/other/scene a hill].]", "c");
  CHECK(caption.text == "Two young men near it , a hill].");
  REQUIRE(caption.phrases.size() == 3);
  CHECK(caption.phrases[0].text == "Two young men");
  CHECK(caption.phrases[1].first_word == 4);
  CHECK(caption.phrases[2].id == "12");
  CHECK(caption.phrases[2].types == std::vector<std::string>{"other", "scene"});
  const auto refusal = [](const char* line) { return error_of([&] { flickr30k::parse_caption(line, "c:1"); }); };
  CHECK(refusal("[/EN#3/people Two young") == has("c:1: a phrase is not closed"));
  CHECK(refusal("[people Two]") == has("must begin with [/EN#id/type"));
  CHECK(refusal("[/EN#/people Two]") == has("has no id"));
  CHECK(refusal("[/EN#1/people ]") == has("has no words"));
  CHECK(refusal("  ") == has("the caption is empty"));
}

TEST_CASE("boxes from XML, which expands no entities") {
  const auto parse = [](const std::string& inside) {
    return flickr30k::parse_objects("<annotation>" + inside + "</annotation>", "'a.xml'");
  };
  const auto refusal = [&](const std::string& inside) { return error_of([&] { parse(inside); }); };
  const std::string box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>1</xmax><ymax>4</ymax></bndbox>";
  // Inclusive from 1: column 1 alone, rows 2 to 4.
  CHECK(equal(parse("<object><name>7</name>" + box + "</object>").boxes.at("7")[0], {0, 1, 1, 4}));
  CHECK(refusal("<object>" + box + "</object>") == has("an <object> has no <name>"));
  CHECK(refusal("<object><name>7</name><bndbox><xmin>a</xmin></bndbox></object>") ==
        has("'xmin' of a box must be a number"));
  CHECK(
      refusal(
          "<object><name>7</name><bndbox><xmin>5</xmin><ymin>2</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></object>") ==
      has("the box of '7' is empty"));
  CHECK(refusal("<object>") == has("byte"));
  CHECK(error_of([] { flickr30k::parse_objects("<other/>", "a"); }) == has("must be <annotation>"));
  const std::string laughs =
      "<!DOCTYPE a [<!ENTITY x \"1111111111\"><!ENTITY y SYSTEM "
      "\"file:///etc/passwd\">]><annotation><object><name>&x;&y;"
      "</name>" +
      box + "</object></annotation>";
  CHECK(flickr30k::parse_objects(laughs, "a").boxes.begin()->first == "&x;&y;");
}

TEST_CASE("Flickr30k as published: captions, phrases, boxes, phrases without a box") {
  Flickr folder;
  const DatasetPtr data = open_flickr30k(folder.options());
  REQUIRE(data->size() == 15);
  CHECK(data->labels() == std::vector<std::string>{"no match", "match"});
  const Datapoint first = data->get(0), second = data->get(1), third = data->get(2), fourth = data->get(3);
  CHECK(first.id == "1000092795#0");
  CHECK(std::get<Text>(first.values[1]).string == "A red square is beside a blue one .");
  CHECK(first.labels == std::vector<int64_t>{1});
  REQUIRE(first.regions.size() == 4);  // chains 1 and 2, and both boxes of 3
  CHECK(first.regions[0].name == "A red square");
  CHECK(first.regions[0].referred);
  CHECK(equal(first.regions[0].box, {4, 8, 16, 20}));
  CHECK(first.regions[2].name == "Two squares");  // as another caption says
  CHECK(!first.regions[2].referred);
  CHECK(second.annotations["phrases"][0]["boxes"] == json{{4, 8, 16, 20}, {28, 8, 40, 20}});
  CHECK(second.annotations["phrases"][1]["scene"] == true);
  CHECK(third.annotations["phrases"][0]["types"] == json{"other", "vehicles"});
  CHECK(third.annotations["phrases"][1]["no_box"] == true);
  CHECK(third.annotations["phrases"][1]["first_word"] == 7);
  CHECK(fourth.annotations["phrases"][0]["id"] == "0");
  CHECK(data->get(14).annotations["phrases"].empty());
}

TEST_CASE("negatives are captions of other pictures, the same for the same seed") {
  Flickr folder;
  Flickr30kOptions options = folder.options();
  options.negatives = 2;
  options.seed = 5;
  const DatasetPtr data = open_flickr30k(options), again = open_flickr30k(options);
  REQUIRE(data->size() == 45);
  std::set<std::string> sources;
  for (int64_t i = 0; i < data->size(); ++i) {
    const Datapoint x = data->get(i);
    CHECK(x.labels == std::vector<int64_t>{i % 3 == 0});
    if (i % 3 == 0) continue;
    CHECK(x.annotations["caption_of"] != x.annotations["image"]);
    CHECK(again->get(i).annotations == x.annotations);
    for (const Region& region : x.regions) CHECK(!region.referred);
    sources.insert(x.annotations["caption_of"].get<std::string>());
  }
  CHECK(sources.size() == 3);
  CHECK(data->get(1).id == "1000092795#0-1");
  options.seed = 6;
  CHECK(open_flickr30k(options)->fingerprint() != data->fingerprint());
  options.split = "test";
  CHECK(error_of([&] { open_flickr30k(options); }) == has("negatives need at least two pictures"));
}

TEST_CASE("Flickr30k without Entities has the captions of the token file") {
  Flickr folder;
  std::filesystem::remove_all(folder.path("Sentences"));
  const DatasetPtr data = open_flickr30k(folder.options("val"));
  REQUIRE(data->size() == 10);
  CHECK(std::get<Text>(data->get(6).values[1]).string == "Two squares on a grey wall .");
  CHECK(data->get(6).regions.empty());
  std::filesystem::remove(folder.path("results_20130124.token"));
  CHECK(error_of([&] { open_flickr30k(folder.options()); }) == has("there is no 'results_20130124.token'"));
}

TEST_CASE("what is missing or damaged in Flickr30k is told, or left out") {
  Flickr folder;
  const auto refusal = [&] { return error_of([&] { open_flickr30k(folder.options())->get(5); }); };
  write_file(folder.path("Annotations/10002456.xml"), "<annotation><object></annotation>");
  CHECK(refusal() == has("10002456.xml': byte "));
  write_file(folder.path("Sentences/10002456.txt"), "one caption\n");
  CHECK(refusal() == has("10002456.txt' has 1 captions: it must have 5"));
  Flickr30kOptions options = folder.options();
  options.on_error = OnError::skip;
  const DatasetPtr data = open_flickr30k(options);
  CHECK(data->size() == 10);
  CHECK(data->skipped().count == 1);
  CHECK(data->get(5).id == "1000268201#0");
  std::filesystem::remove(folder.path("flickr30k-images/1000092795.jpg"));
  CHECK(error_of([&] { data->get(0); }) == has("1000092795.jpg': Flickr30k Entities is expected as"));
  std::filesystem::remove(folder.path("train.txt"));
  CHECK(refusal() == has("there is no 'train.txt' in"));
}
