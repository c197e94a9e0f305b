#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/blocks/scene.h"

namespace multiviz::blockworld {

// CLEVR's 28 answers: yes, no, 0 to 10, then the values of shape, color, size and material.
const std::vector<std::string>& answers();
inline constexpr int kYes = 0, kNo = 1;
inline int number_answer(int count) { return 2 + count; }
// The answer that names this value of an attribute.
int value_answer(int attribute, int value);

enum Direction { left, right, front, behind };
const char* direction_name(int direction);

// A subset of a scene's objects, bit i for object i.
using ObjectSet = uint32_t;

// CLEVR's functions. Those in the second row take an attribute, `relate` a direction, `filter` an attribute and a
// value.
enum class Function {
  scene,
  unique,
  relate,
  count,
  exist,
  equal_integer,
  less_than,
  greater_than,
  filter,
  query,
  same,
  equal,
};

struct Step {
  Function function;
  std::vector<int> inputs;  // earlier steps
  int attribute = -1;       // of filter, query, same and equal
  int value = -1;           // filter: the attribute's value; relate: the direction
};

// Step by step, each from earlier ones; the last gives the answer.
using Program = std::vector<Step>;

struct Outcome {
  int answer;          // into answers()
  ObjectSet referred;  // objects that `unique` found or that were counted or asked for existence
};

// What is left, right, in front of and behind each object, and who has which value: what programs are run on.
class World {
 public:
  explicit World(const std::vector<Object>& objects);
  ObjectSet all() const { return all_; }
  ObjectSet having(int attribute, int value) const { return having_[attribute][value]; }
  ObjectSet related(int object, int direction) const { return related_[object][direction]; }
  int value(int object, int attribute) const { return values_[object][attribute]; }
  int size() const { return static_cast<int>(values_.size()); }

 private:
  ObjectSet all_;
  ObjectSet having_[kAttributes][8] = {};
  std::vector<std::array<ObjectSet, 4>> related_;
  std::vector<std::array<int, kAttributes>> values_;
};

// The program's answer, or nothing when it is ill-posed there: `unique` does not find exactly one object, or a count is
// above 10. Throws Error for a program that makes no sense anywhere (inputs that are missing or of another type).
std::optional<Outcome> execute(const Program& program, const World& world);

// CLEVR's form: [{"function": "filter_color", "inputs": [0], "value_inputs": ["red"]}, ...].
nlohmann::json to_json(const Program& program);
Program program_from_json(const nlohmann::json& json);

}  // namespace multiviz::blockworld
