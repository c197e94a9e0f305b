#include "data/vl_interpret.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "data/basic_dataset.h"
#include "data/published.h"
#include "io/lmdb.h"
#include "io/lz4.h"
#include "io/pickle.h"
#include "io/pickle_writer.h"

namespace multiviz {
namespace {

const Publication& publication() {
  static const Publication publication = {"VL-InterpreT's database",
                                          "a folder with data.mdb, LMDB's file of examples under the keys 0, 1, ...",
                                          "https://github.com/IntelLabs/VL-InterpreT, app/database/db_example.py"};
  return publication;
}

const std::string& with_database(const std::string& folder) {
  find_published(folder, {"data.mdb"}, publication());
  return folder;
}

bool is_number(const std::string& key) {
  return !key.empty() && key.size() <= 18 &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The bytes in a MessagePack value that is binary.
std::string_view unpack_binary(std::string_view packed, const std::string& where) {
  check(!packed.empty(), "{}: the value is empty", where);
  const auto code = static_cast<unsigned char>(packed[0]);
  const int width = code == 0xc4 ? 1 : code == 0xc5 ? 2 : code == 0xc6 ? 4 : 0;
  check(width > 0 && std::ssize(packed) > width, "{}: the value is not a pickle in MessagePack", where);
  uint64_t size = 0;  // big-endian
  for (int i = 1; i <= width; ++i) size = size << 8 | static_cast<unsigned char>(packed[static_cast<size_t>(i)]);
  check(size == packed.size() - 1 - static_cast<size_t>(width), "{}: the value is cut short", where);
  return packed.substr(1 + static_cast<size_t>(width));
}

std::string pack_binary(std::string_view bytes) {
  check(bytes.size() <= 0xffffffffU, "a recording of {} bytes is too large for MessagePack", bytes.size());
  std::string packed = {'\xc6'};
  for (int shift = 24; shift >= 0; shift -= 8) packed += static_cast<char>(bytes.size() >> shift);
  return packed.append(bytes);
}

at::Tensor to_pixels(const at::Tensor& image, const std::string& where) {
  check(image.dim() == 3 && image.size(2) == 3 && image.numel() > 0, "{} must be [H, W, 3], it is [{}]", where,
        fmt::join(image.sizes(), ", "));
  check(!image.is_complex() && at::isfinite(image).all().item<bool>(), "{} must hold finite numbers", where);
  at::Tensor pixels = image;
  if (image.is_floating_point() && image.max().item<double>() <= 1) pixels = image.mul(255).round();
  check(pixels.ge(0).logical_and(pixels.le(255)).all().item<bool>(), "{} must hold colours from 0 to 255", where);
  return pixels.to(at::kByte).contiguous();
}

void check_parts(const Recording& recording, const std::string& where) {
  const int64_t tokens = std::ssize(recording.tokens);
  check(tokens > 0 && recording.text_length >= 0 && recording.text_length <= tokens,
        "{}: {} of {} tokens cannot be the text's", where, recording.text_length, tokens);
  const at::Tensor& attention = recording.attention;
  check(attention.defined() && attention.dim() == 4 && attention.size(2) == tokens && attention.size(3) == tokens,
        "{}: the attention must be [layers, heads, {}, {}], it is [{}]", where, tokens, tokens,
        attention.defined() ? fmt::format("{}", fmt::join(attention.sizes(), ", ")) : "");
  const at::Tensor& states = recording.hidden_states;
  check(states.defined() && states.dim() == 3 && states.size(0) == attention.size(0) + 1 && states.size(1) == tokens,
        "{}: the hidden states must be [{}, {}, width], they are [{}]", where, attention.size(0) + 1, tokens,
        states.defined() ? fmt::format("{}", fmt::join(states.sizes(), ", ")) : "");
  check(recording.cells.empty() || std::ssize(recording.cells) == tokens - recording.text_length,
        "{}: {} picture tokens have {} cells", where, tokens - recording.text_length, recording.cells.size());
}

std::vector<std::pair<int64_t, int64_t>> read_cells(const Pickle& list, const std::string& where) {
  std::vector<std::pair<int64_t, int64_t>> cells;
  for (size_t i = 0; i < list.size(); ++i) {
    const Pickle cell = list[i];
    check(cell.size() == 2, "{}: a cell must be (x, y)", where);
    cells.emplace_back(cell[0].integer(where), cell[1].integer(where));
    check(cells.back().first >= 0 && cells.back().second >= 0, "{}: a cell lies outside the grid", where);
  }
  return cells;
}

void write_recording(PickleWriter& out, const Recording& recording) {
  auto entry = [&](const char* key) { out.text(key); };
  out.begin_dict();
  entry("ex_id"), out.integer(std::stoll(recording.id));
  entry("image"), out.array(recording.image);
  entry("tokens"), out.begin_list();
  for (const std::string& token : recording.tokens) out.text(token);
  out.end_list();
  entry("txt_len"), out.integer(recording.text_length);
  entry("img_coords"), out.begin_list();
  for (const auto& [x, y] : recording.cells) out.begin_tuple(), out.integer(x), out.integer(y), out.end_tuple();
  out.end_list();
  if (recording.correct) entry("accuracy"), out.boolean(*recording.correct);
  entry("attention"), out.array(recording.attention);
  entry("hidden_states"), out.array(recording.hidden_states);
  if (!recording.metrics.empty()) {
    entry("custom_metrics"), out.begin_dict();
    for (const auto& [name, values] : recording.metrics) out.text(name), out.array(values);
    out.end_dict();
  }
  out.end_dict();
}

// Pictures and texts of the recordings.
class VlInterpret : public BasicDataset {
 public:
  explicit VlInterpret(const std::string& folder)
      : BasicDataset({{"image", ModalityKind::image}, {"text", ModalityKind::text}}, {"wrong", "right"}),
        recordings_(folder) {
    name_ = "vl_interpret";
    const std::filesystem::path file = std::filesystem::path(folder) / "data.mdb";
    const auto changed = std::filesystem::last_write_time(file).time_since_epoch().count();
    fingerprint_ = published_fingerprint("vl-interpret", {folder, recordings_.ids()},
                                         {std::filesystem::file_size(file), static_cast<uint64_t>(changed)});
  }
  int64_t size() const override { return recordings_.size(); }

  Datapoint get(int64_t index) const override {
    check_index(*this, index);
    const Recording recording = recordings_.get(index);
    Datapoint datapoint;
    datapoint.id = recording.id;
    std::string text;
    for (int64_t t = 0; t < recording.text_length; ++t) {
      const std::string& token = recording.tokens[static_cast<size_t>(t)];
      if (token == "[CLS]" || token == "[SEP]" || token == "[PAD]") continue;
      text += (text.empty() ? "" : " ") + token;
    }
    datapoint.values = {Image{recording.image}, Text{text}};
    datapoint.annotations = {{"tokens", recording.tokens}, {"text_length", recording.text_length}};
    if (!recording.cells.empty()) datapoint.annotations["cells"] = recording.cells;
    if (recording.correct) {
      datapoint.labels = {*recording.correct ? 1 : 0};
      datapoint.annotations["correct"] = *recording.correct;
    }
    return datapoint;
  }

 private:
  Recordings recordings_;
};

}  // namespace

Recording read_recording(std::string_view value, const std::string& id, const std::string& where) {
  auto bytes = std::make_shared<const std::string>(decompress_lz4(value, where));
  const Pickle example = read_pickle({bytes, unpack_binary(*bytes, where)}, where);
  Recording recording;
  recording.id = id;
  auto at = [&](const char* key) { return example.at(key, where); };
  auto place = [&](const char* key) { return fmt::format("{}: '{}'", where, key); };
  recording.image = to_pixels(at("image").tensor(place("image")), place("image"));
  const Pickle tokens = at("tokens");
  for (size_t i = 0; i < tokens.size(); ++i) recording.tokens.push_back(tokens[i].text(place("tokens")));
  recording.text_length = at("txt_len").integer(place("txt_len"));
  if (const auto cells = example.find("img_coords"); cells && !cells->is_none())
    recording.cells = read_cells(*cells, place("img_coords"));
  if (const auto correct = example.find("accuracy"); correct && !correct->is_none())
    recording.correct = correct->boolean(place("accuracy"));
  recording.attention = at("attention").tensor(place("attention")).clone();
  recording.hidden_states = at("hidden_states").tensor(place("hidden_states")).clone();
  if (const auto metrics = example.find("custom_metrics"); metrics && metrics->is(PickleKind::dict))
    for (size_t i = 0; i < metrics->size(); ++i)
      recording.metrics[metrics->key(i).text(place("custom_metrics"))] =
          (*metrics)[i].tensor(place("custom_metrics")).clone();
  check_parts(recording, where);
  return recording;
}

struct Recordings::State {
  explicit State(const std::string& folder) : database(with_database(folder)) {
    for (std::string& key : database.keys())
      if (is_number(key)) ids.push_back(std::move(key));
    std::sort(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return std::stoll(a) < std::stoll(b); });
    check(!ids.empty(), "'{}' has no examples: it must hold them under the keys 0, 1, ... (see {})", folder,
          publication().where);
  }
  LmdbReader database;
  std::vector<std::string> ids;
};

Recordings::Recordings(const std::string& folder) : state_(std::make_unique<State>(folder)) {}
Recordings::~Recordings() = default;
int64_t Recordings::size() const { return std::ssize(state_->ids); }
const std::string& Recordings::folder() const { return state_->database.folder(); }
const std::vector<std::string>& Recordings::ids() const { return state_->ids; }

Recording Recordings::get(int64_t index) const {
  check(index >= 0 && index < size(), "example {} is out of range: '{}' has {}", index + 1, folder(), size());
  const std::string& id = state_->ids[static_cast<size_t>(index)];
  const std::string where = fmt::format("'{}': example {}", folder(), id);
  const auto value = state_->database.get(id);
  check(value.has_value(), "{} is gone", where);
  return read_recording(*value, id, where);
}

void save_recordings(const std::string& folder, const std::vector<Recording>& recordings) {
  check(!recordings.empty(), "there are no recordings to write to '{}'", folder);
  std::set<std::string> seen;
  LmdbWriter database(folder);
  for (Recording recording : recordings) {
    check(is_number(recording.id), "the id '{}' of a recording must be a number: VL-InterpreT's are", recording.id);
    check(seen.insert(recording.id).second, "the id '{}' of a recording is there twice", recording.id);
    const std::string where = "recording " + recording.id;
    recording.image = to_pixels(recording.image, where + ": the image");
    check_parts(recording, where);
    PickleWriter pickle;
    write_recording(pickle, recording);
    database.put(recording.id, compress_lz4(pack_binary(pickle.finish())));
  }
  database.put("n_examples", compress_lz4(std::string(1, '\0')));  // preprocess() counts them
  database.commit();
}

DatasetPtr open_vl_interpret(const std::string& folder) { return std::make_shared<VlInterpret>(folder); }

}  // namespace multiviz
