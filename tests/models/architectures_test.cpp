#include "models/architectures.h"

#include <doctest/doctest.h>

#include "tests/models/parity.h"
#include "tests/scratch.h"

namespace multiviz {
namespace {

TEST_CASE("a checkpoint's model is made by its model_type") {
  for (auto [folder, name] : {std::pair("vilt/nlvr2", "vilt-images-and-text"), std::pair("clip/patch8", "clip"),
                              std::pair("lxmert/small", "lxmert")}) {
    auto reference = test::read_reference(std::string("tests/fixtures/") + folder);
    auto model = make_pretrained(reference.pretrained);
    CHECK(model->signature().name == name);
    CHECK(model->config() == reference.pretrained.config);
    CHECK(model->parameters().size() == reference.pretrained.tensors.size());
  }
  auto reference = test::read_reference("tests/fixtures/clip/patch8");
  reference.pretrained.config["model_type"] = "clap";
  CHECK(error_of([&] { make_pretrained(reference.pretrained); }) ==
        has("'clap', which this version does not know; did you mean 'clip'?"));
  reference.pretrained.config.erase("model_type");
  CHECK(error_of([&] { make_pretrained(reference.pretrained); }) == has("model_type"));
}

}  // namespace
}  // namespace multiviz
