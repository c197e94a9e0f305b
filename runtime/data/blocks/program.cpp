#include "data/blocks/program.h"

#include <algorithm>
#include <bit>

#include "core/error.h"

namespace multiviz::blockworld {
namespace {

enum class Type { set, object, value, integer, boolean };

struct Signature {
  Function function;
  const char* name;
  bool of_attribute;  // the name goes on with the attribute's
  std::vector<Type> inputs;
  Type output;
};

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> all = {
      {Function::scene, "scene", false, {}, Type::set},
      {Function::unique, "unique", false, {Type::set}, Type::object},
      {Function::relate, "relate", false, {Type::object}, Type::set},
      {Function::count, "count", false, {Type::set}, Type::integer},
      {Function::exist, "exist", false, {Type::set}, Type::boolean},
      {Function::equal_integer, "equal_integer", false, {Type::integer, Type::integer}, Type::boolean},
      {Function::less_than, "less_than", false, {Type::integer, Type::integer}, Type::boolean},
      {Function::greater_than, "greater_than", false, {Type::integer, Type::integer}, Type::boolean},
      {Function::filter, "filter_", true, {Type::set}, Type::set},
      {Function::query, "query_", true, {Type::object}, Type::value},
      {Function::same, "same_", true, {Type::object}, Type::set},
      {Function::equal, "equal_", true, {Type::value, Type::value}, Type::boolean},
  };
  return all;
}

const Signature& signature(Function function) { return signatures()[static_cast<size_t>(function)]; }

int value_count(const Step& step) {
  if (step.function == Function::relate) return 4;
  return step.function == Function::filter ? static_cast<int>(value_names(step.attribute).size()) : 0;
}

void check_program(const Program& program) {
  check(!program.empty(), "the program is empty: give it at least one step");
  for (size_t i = 0; i < program.size(); ++i) {
    const Step& step = program[i];
    const Signature& expected = signature(step.function);
    check(step.inputs.size() == expected.inputs.size(), "step {} of the program, {}, has {} inputs: it takes {}", i,
          expected.name, step.inputs.size(), expected.inputs.size());
    for (size_t k = 0; k < step.inputs.size(); ++k) {
      int input = step.inputs[k];
      check(input >= 0 && input < static_cast<int>(i), "step {} of the program reads step {}: only earlier ones exist",
            i, input);
      check(signature(program[static_cast<size_t>(input)].function).output == expected.inputs[k],
            "step {} of the program, {}, cannot use the output of step {}, {}", i, expected.name, input,
            signature(program[static_cast<size_t>(input)].function).name);
    }
    if (expected.of_attribute)
      check(step.attribute >= 0 && step.attribute < kAttributes, "step {} of the program names no attribute", i);
    int values = value_count(step);
    if (values > 0) check(step.value >= 0 && step.value < values, "step {} of the program names no value", i);
  }
  Type last = signature(program.back().function).output;
  check(last != Type::set && last != Type::object, "the program ends in objects: end it with a question about them");
}

// Every intermediate result fits an integer: a set's bits, an object's index, a value, a count, a truth.
std::optional<int64_t> run(const Step& step, const std::vector<int64_t>& results, const World& world,
                           ObjectSet& referred) {
  auto input = [&](size_t k) { return results[static_cast<size_t>(step.inputs[k])]; };
  switch (step.function) {
    case Function::scene:
      return world.all();
    case Function::filter:
      return input(0) & world.having(step.attribute, step.value);
    case Function::unique: {
      ObjectSet set = static_cast<ObjectSet>(input(0));
      if (!std::has_single_bit(set)) return std::nullopt;
      referred |= set;
      return std::countr_zero(set);
    }
    case Function::relate:
      return world.related(static_cast<int>(input(0)), step.value);
    case Function::same: {
      int object = static_cast<int>(input(0));
      return world.having(step.attribute, world.value(object, step.attribute)) & ~(ObjectSet{1} << object);
    }
    case Function::count:
      referred |= static_cast<ObjectSet>(input(0));
      return std::popcount(static_cast<ObjectSet>(input(0)));
    case Function::exist:
      referred |= static_cast<ObjectSet>(input(0));
      return input(0) != 0;
    case Function::query:
      return world.value(static_cast<int>(input(0)), step.attribute);
    case Function::equal:
    case Function::equal_integer:
      return input(0) == input(1);
    case Function::less_than:
      return input(0) < input(1);
    case Function::greater_than:
      return input(0) > input(1);
  }
  return std::nullopt;
}

int index_of(const std::vector<std::string>& names, const std::string& name, const char* what) {
  auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), "there is no {} '{}'", what, name);
  return static_cast<int>(found - names.begin());
}

const std::vector<std::string>& direction_names() {
  static const std::vector<std::string> names = {"left", "right", "front", "behind"};
  return names;
}

Step step_from_json(const nlohmann::json& json) {
  Step step{Function::scene, json.at("inputs").get<std::vector<int>>()};
  std::string name = json.at("function").get<std::string>();
  bool known = false;
  for (const Signature& candidate : signatures()) {
    if (!candidate.of_attribute && name != candidate.name) continue;
    if (candidate.of_attribute) {
      std::string prefix = candidate.name;
      if (name.rfind(prefix, 0) != 0) continue;
      for (int attribute = 0; attribute < kAttributes; ++attribute)
        if (name.substr(prefix.size()) == attribute_name(attribute)) step.attribute = attribute;
      if (step.attribute < 0) continue;
    }
    step.function = candidate.function;
    known = true;
    break;
  }
  check(known, "there is no function '{}'", name);
  if (step.function == Function::relate)
    step.value = index_of(direction_names(), json.at("value_inputs").at(0).get<std::string>(), "direction");
  if (step.function == Function::filter)
    step.value = index_of(value_names(step.attribute), json.at("value_inputs").at(0).get<std::string>(),
                          attribute_name(step.attribute));
  return step;
}

}  // namespace

const std::vector<std::string>& answers() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> list = {"yes", "no"};
    for (int i = 0; i <= 10; ++i) list.push_back(std::to_string(i));
    for (int attribute : {shape, color, size, material})
      for (const std::string& name : value_names(attribute)) list.push_back(name);
    return list;
  }();
  return all;
}

int value_answer(int attribute, int value) {
  static constexpr int first[] = {24, 16, 26, 13};  // in the order of Attribute
  return first[attribute] + value;
}

const char* direction_name(int direction) { return direction_names()[static_cast<size_t>(direction)].c_str(); }

World::World(const std::vector<Object>& objects) : all_((ObjectSet{1} << objects.size()) - 1) {
  check(objects.size() <= 31, "a scene of {} objects: programs run on at most 31", objects.size());
  related_.resize(objects.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    values_.push_back(objects[i].values);
    for (int attribute = 0; attribute < kAttributes; ++attribute)
      having_[attribute][objects[i].values[static_cast<size_t>(attribute)]] |= ObjectSet{1} << i;
    for (size_t j = 0; j < objects.size(); ++j) {
      if (i == j) continue;
      ObjectSet other = ObjectSet{1} << j;
      Vec3 a = objects[i].center, b = objects[j].center;
      if (b.x < a.x) related_[i][left] |= other;
      if (b.x > a.x) related_[i][right] |= other;
      if (b.y < a.y) related_[i][front] |= other;
      if (b.y > a.y) related_[i][behind] |= other;
    }
  }
}

std::optional<Outcome> execute(const Program& program, const World& world) {
  check_program(program);
  std::vector<int64_t> results;
  Outcome outcome{0, 0};
  for (const Step& step : program) {
    std::optional<int64_t> result = run(step, results, world, outcome.referred);
    if (!result) return std::nullopt;
    results.push_back(*result);
  }
  const Step& last = program.back();
  int result = static_cast<int>(results.back());
  switch (signature(last.function).output) {
    case Type::boolean:
      outcome.answer = result ? kYes : kNo;
      break;
    case Type::value:
      outcome.answer = value_answer(last.attribute, result);
      break;
    default:
      if (result > 10) return std::nullopt;
      outcome.answer = number_answer(result);
  }
  return outcome;
}

nlohmann::json to_json(const Program& program) {
  nlohmann::json steps = nlohmann::json::array();
  for (const Step& step : program) {
    const Signature& form = signature(step.function);
    std::string name = form.name;
    if (form.of_attribute) name += attribute_name(step.attribute);
    nlohmann::json values = nlohmann::json::array();
    if (step.function == Function::relate) values.push_back(direction_name(step.value));
    if (step.function == Function::filter)
      values.push_back(value_names(step.attribute)[static_cast<size_t>(step.value)]);
    steps.push_back({{"function", name}, {"inputs", step.inputs}, {"value_inputs", std::move(values)}});
  }
  return steps;
}

Program program_from_json(const nlohmann::json& json) {
  Program program;
  try {
    for (const nlohmann::json& step : json) program.push_back(step_from_json(step));
  } catch (const nlohmann::json::exception& error) {
    fail("step {} of the program is not in CLEVR's form: {}", program.size(), error.what());
  }
  check_program(program);
  return program;
}

}  // namespace multiviz::blockworld
