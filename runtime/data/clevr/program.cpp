#include "data/clevr/program.h"

#include <algorithm>
#include <variant>

#include "core/error.h"
#include "io/json.h"

namespace multiviz::clevr {
namespace {

using nlohmann::json;

using Objects = std::vector<bool>;  // of each object of the scene, whether it is in the set
struct Object {
  size_t index;
};
using Result = std::variant<Objects, Object, int64_t, bool, std::string>;
const char* const kinds[] = {"objects", "an object", "a number", "yes or no", "a value"};

int64_t size_of(const Objects& objects) { return std::count(objects.begin(), objects.end(), true); }

class Machine {
 public:
  Machine(const json& scene, const std::string& where) : scene_(scene), objects_(require(scene, "objects", where)) {
    check(objects_.is_array() && objects_.size() <= 1000, "{}: 'objects' must be a list of at most 1,000", where);
    outcome_.referred.assign(objects_.size(), false);
  }

  Outcome run(const json& program, const std::string& where) {
    check(program.is_array() && !program.empty() && program.size() <= 1000,
          "{}: 'program' must be a list of 1 to 1,000 steps", where);
    for (const json& step : program) {
      where_ = fmt::format("{}: step {} of the program", where, results_.size() + 1);
      results_.push_back(result(step));
    }
    outcome_.answer = text_of(results_.back());
    return std::move(outcome_);
  }

 private:
  Result result(const json& step) {
    function_ = require<std::string>(step, "function", where_);
    inputs_ = require<std::vector<int64_t>>(step, "inputs", where_);
    values_ = step.contains("value_inputs") ? require<std::vector<std::string>>(step, "value_inputs", where_)
                                            : std::vector<std::string>{};
    const size_t split = function_.find('_');
    if (split != std::string::npos && (function_.ends_with("_size") || function_.ends_with("_color") ||
                                       function_.ends_with("_material") || function_.ends_with("_shape")))
      return of_attribute(function_.substr(0, split), function_.substr(split + 1));
    if (function_ == "scene") return Objects(objects_.size(), true);
    if (function_ == "unique") return unique();
    if (function_ == "relate") return relate();
    if (function_ == "union" || function_ == "intersect") return combine(function_ == "union");
    if (function_ == "count") return size_of(refer(input<Objects>(0)));
    if (function_ == "exist") return size_of(refer(input<Objects>(0))) > 0;
    if (function_ == "equal_integer") return input<int64_t>(0) == input<int64_t>(1);
    if (function_ == "less_than") return input<int64_t>(0) < input<int64_t>(1);
    if (function_ == "greater_than") return input<int64_t>(0) > input<int64_t>(1);
    fail("{}: there is no function '{}'", where_, function_);
  }

  Result of_attribute(const std::string& verb, const std::string& attribute) {
    if (verb == "query") return attribute_of(input<Object>(0).index, attribute);
    if (verb == "equal") return input<std::string>(0) == input<std::string>(1);
    check(verb == "filter" || verb == "same", "{}: there is no function '{}'", where_, function_);
    const bool same = verb == "same";
    const Objects among = same ? Objects(objects_.size(), true) : input<Objects>(0);
    const std::string wanted = same ? attribute_of(input<Object>(0).index, attribute) : value();
    Objects found(objects_.size());
    for (size_t i = 0; i < found.size(); ++i) found[i] = among[i] && attribute_of(i, attribute) == wanted;
    if (same) found[input<Object>(0).index] = false;
    return found;
  }

  Result unique() {
    const Objects& among = refer(input<Objects>(0));
    check(size_of(among) == 1, "{}: 'unique' finds {} objects", where_, size_of(among));
    return Object{static_cast<size_t>(std::find(among.begin(), among.end(), true) - among.begin())};
  }

  Result relate() {
    const size_t from = input<Object>(0).index;
    const json& lists = require(require(scene_, "relationships", where_), value(), where_);
    check(lists.is_array() && from < lists.size(), "{}: 'relationships' has no list for object {}", where_, from + 1);
    Objects found(objects_.size());
    for (int64_t i : as<std::vector<int64_t>>(lists[from], where_ + ": 'relationships'")) {
      check(i >= 0 && i < static_cast<int64_t>(found.size()), "{}: 'relationships' names object {} of {}", where_, i,
            found.size());
      found[static_cast<size_t>(i)] = true;
    }
    return found;
  }

  Result combine(bool either) {
    Objects a = input<Objects>(0);
    const Objects& b = input<Objects>(1);
    for (size_t i = 0; i < a.size(); ++i) a[i] = either ? a[i] || b[i] : a[i] && b[i];
    return a;
  }

  const Objects& refer(const Objects& objects) {
    for (size_t i = 0; i < objects.size(); ++i) outcome_.referred[i] = outcome_.referred[i] || objects[i];
    return objects;
  }

  template <typename T>
  const T& input(size_t k) const {
    check(k < inputs_.size(), "{}: {} has {} inputs", where_, function_, inputs_.size());
    const int64_t from = inputs_[k];
    check(from >= 0 && from < static_cast<int64_t>(results_.size()), "{}: it reads step {}: only earlier ones exist",
          where_, from + 1);
    const Result& found = results_[static_cast<size_t>(from)];
    const T* value = std::get_if<T>(&found);
    check(value != nullptr, "{}: {} needs {}, and step {} gives {}", where_, function_, kinds[Result(T{}).index()],
          from + 1, kinds[found.index()]);
    return *value;
  }

  const std::string& value() const {
    check(values_.size() == 1, "{}: {} has {} value_inputs: it takes one", where_, function_, values_.size());
    return values_[0];
  }

  std::string attribute_of(size_t object, const std::string& attribute) const {
    return require<std::string>(objects_[object], attribute, fmt::format("{}: object {}", where_, object + 1));
  }

  std::string text_of(const Result& result) const {
    if (const auto* truth = std::get_if<bool>(&result)) return *truth ? "yes" : "no";
    if (const auto* number = std::get_if<int64_t>(&result)) return std::to_string(*number);
    if (const auto* value = std::get_if<std::string>(&result)) return *value;
    fail("{}: the last one gives {}: a program must end in an answer", where_, kinds[result.index()]);
  }

  const json& scene_;
  const json& objects_;
  std::vector<Result> results_;
  Outcome outcome_;
  // Of the running step.
  std::string where_, function_;
  std::vector<int64_t> inputs_;
  std::vector<std::string> values_;
};

}  // namespace

Outcome execute(const json& program, const json& scene, const std::string& where) {
  return Machine(scene, where).run(program, where);
}

}  // namespace multiviz::clevr
