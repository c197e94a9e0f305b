#include "bindings/register.h"
#include "bindings/window.h"
#include "viewer/draw.h"

// The parts of mv.ui that hold others. Each takes the function that draws what is in it, and closes what it opened also
// when that function throws.
namespace multiviz::script {
namespace {

// Calls the function at this stack index.
void call(lua_State* L, int index) {
  lua_pushvalue(L, index);
  lua_call(L, 0, 0);
}

void need_function(lua_State* L, int index, const char* name) {
  if (!lua_isfunction(L, index)) wrong_argument(L, index, name, "a function");
}

template <typename End>
struct Closing {
  End end;
  ~Closing() { end(); }
};
template <typename End>
Closing(End) -> Closing<End>;

int child(lua_State* L) {
  auto& window = current_window(L);
  auto name = arg_string(L, 1, "name");
  need_function(L, 2, "draw");
  Options options(L, 3);
  auto units = [&](const char* key) { return window.units(static_cast<float>(options.number(key, 0, {.min = 0}))); };
  ImVec2 size{units("width"), units("height")};
  bool border = options.boolean("border", true);
  options.done();
  ImGui::BeginChild(unique_label(window, name).c_str(), size, border);
  Closing guard{[] { ImGui::EndChild(); }};
  call(L, 2);
  return 0;
}

int tabs(lua_State* L) {
  auto& window = current_window(L);
  auto name = arg_string(L, 1, "name");
  if (!lua_istable(L, 2)) wrong_argument(L, 2, "tabs", "a table of {title, function}");
  if (!ImGui::BeginTabBar(unique_label(window, name).c_str())) return 0;
  Closing guard{[] { ImGui::EndTabBar(); }};
  for (lua_Integer i = 1; i <= luaL_len(L, 2); ++i) {
    bool pair = lua_geti(L, 2, i) == LUA_TTABLE;
    check(pair && lua_geti(L, -1, 1) == LUA_TSTRING && lua_geti(L, -2, 2) == LUA_TFUNCTION,
          "mv.ui.tabs: tab {} must be {{title, function}}", i);
    if (ImGui::BeginTabItem(unique_label(window, lua_tostring(L, -2)).c_str())) {
      Closing item{[] { ImGui::EndTabItem(); }};
      call(L, -1);
    }
    lua_settop(L, 2);
  }
  return 0;
}

int tree(lua_State* L) {
  auto& window = current_window(L);
  auto label = arg_string(L, 1, "label");
  need_function(L, 2, "draw");
  Options options(L, 3);
  bool open = options.boolean("open", false);
  options.done();
  if (!ImGui::TreeNodeEx(unique_label(window, label).c_str(), open ? ImGuiTreeNodeFlags_DefaultOpen : 0))
    return push(L, false);
  Closing guard{[] { ImGui::TreePop(); }};
  call(L, 2);
  return push(L, true);
}

int columns(lua_State* L) {
  auto& window = current_window(L);
  int count = lua_gettop(L);
  check(count >= 1 && count <= 32, "mv.ui.columns: give it from 1 to 32 functions, one a column: got {}", count);
  for (int i = 1; i <= count; ++i) need_function(L, i, "draw");
  if (!ImGui::BeginTable(unique_label(window, "columns").c_str(), count, ImGuiTableFlags_Resizable)) return 0;
  Closing guard{[] { ImGui::EndTable(); }};
  for (int i = 1; i <= count; ++i) {
    ImGui::TableNextColumn();
    call(L, i);
  }
  return 0;
}

int split_panes(lua_State* L) {
  auto& window = current_window(L);
  auto name = arg_string(L, 1, "name");
  need_function(L, 2, "left");
  need_function(L, 3, "right");
  Options options(L, 4);
  auto share = options.number("share", 0.5, {.min = 0.05, .max = 0.95});
  auto height = options.number("height", 0, {.min = 0});
  options.done();
  split(
      window, name, share, window.units(static_cast<float>(height)), [L] { call(L, 2); }, [L] { call(L, 3); });
  return 0;
}

// The text of cell (row, column) of a table of rows.
std::string cell(lua_State* L, lua_Integer row, int column) {
  lua_geti(L, 1, row);
  check(lua_istable(L, -1), "mv.ui.table: row {} must be a table of cells, got {}", row, type_name(L, -1));
  lua_geti(L, -1, column);
  std::string text = lua_isnil(L, -1) ? "" : luaL_tolstring(L, -1, nullptr);
  lua_settop(L, 2);
  return text;
}

// Titles; when the columns would not fit beside one another, the wide ones share what the narrow ones leave.
void set_up_columns(lua_State* L, const std::vector<std::string>& titles, int count, lua_Integer rows, bool fit) {
  constexpr lua_Integer looked_at = 50;
  auto width_of = [](const std::string& text) { return ImGui::CalcTextSize(text.c_str()).x; };
  std::vector<float> widths;
  for (int column = 0; fit && column < count; ++column) {
    auto index = static_cast<size_t>(column);
    float width = index < titles.size() ? width_of(titles[index]) : 0;
    for (lua_Integer row = 1; row <= std::min(rows, looked_at); ++row)
      width = std::max(width, width_of(cell(L, row, column + 1)));
    widths.push_back(width + 2 * ImGui::GetStyle().CellPadding.x);
  }
  float even = ImGui::GetContentRegionAvail().x / static_cast<float>(count);
  for (int column = 0; column < count; ++column) {
    auto index = static_cast<size_t>(column);
    const char* title = index < titles.size() ? titles[index].c_str() : "";
    if (fit && widths[index] > even)
      ImGui::TableSetupColumn(title, ImGuiTableColumnFlags_WidthStretch, widths[index]);
    else
      ImGui::TableSetupColumn(title);
  }
  if (!titles.empty()) ImGui::TableHeadersRow();
}

int table(lua_State* L) {
  auto& window = current_window(L);
  if (!lua_istable(L, 1)) wrong_argument(L, 1, "rows", "a table of rows");
  lua_settop(L, 2);
  Options options(L, 2);
  auto titles = options.strings("columns").value_or(std::vector<std::string>{});
  auto height = window.units(static_cast<float>(options.number("height", 0, {.min = 0})));
  auto selected = options.integer("selected", 0);
  options.done();
  lua_Integer rows = luaL_len(L, 1);
  auto count = static_cast<int>(titles.size());
  if (count == 0 && rows > 0 && lua_geti(L, 1, 1) == LUA_TTABLE) count = static_cast<int>(luaL_len(L, -1));
  lua_settop(L, 2);
  if (count == 0) return lua_pushnil(L), 1;
  check(count <= 64, "mv.ui.table: {} columns are too many: 64 can be shown", count);
  constexpr int most_side_by_side = 8;
  bool fit = count <= most_side_by_side;
  auto flags = ImGuiTableFlags_RowBg | ImGuiTableFlags_Resizable | ImGuiTableFlags_BordersInnerV |
               ImGuiTableFlags_ScrollY | ImGuiTableFlags_SizingFixedFit | (fit ? 0 : ImGuiTableFlags_ScrollX);
  float line = ImGui::GetTextLineHeight() + 2 * ImGui::GetStyle().CellPadding.y;
  if (height <= 0) height = std::min(line * static_cast<float>(rows + 1) + window.units(16), window.units(320));
  if (!ImGui::BeginTable(unique_label(window, "table").c_str(), count, flags, {0, height})) return lua_pushnil(L), 1;
  Closing guard{[] { ImGui::EndTable(); }};
  ImGui::TableSetupScrollFreeze(0, titles.empty() ? 0 : 1);
  set_up_columns(L, titles, count, rows, fit);
  lua_Integer clicked = 0;
  ImGuiListClipper clipper;  // only rows in sight are asked for
  clipper.Begin(static_cast<int>(rows));
  Closing stop{[&] { clipper.End(); }};
  while (clipper.Step())
    for (int row = clipper.DisplayStart; row < clipper.DisplayEnd; ++row) {
      ImGui::TableNextRow();
      for (int column = 0; column < count; ++column) {
        ImGui::TableNextColumn();
        auto text = cell(L, row + 1, column + 1);
        auto id = fmt::format("{}###{}/{}", text, row, column);
        bool cut_off = ImGui::CalcTextSize(text.c_str()).x > ImGui::GetContentRegionAvail().x;
        if (column > 0)
          ImGui::TextUnformatted(text.c_str());
        else if (ImGui::Selectable(id.c_str(), row + 1 == selected, ImGuiSelectableFlags_SpanAllColumns))
          clicked = row + 1;
        if (cut_off && column > 0 && ImGui::IsItemHovered()) tooltip(text);
      }
    }
  if (clicked == 0) return lua_pushnil(L), 1;
  return push(L, static_cast<int64_t>(clicked));
}

}  // namespace

void register_ui_layout(Binder& binder) {
  auto add = [&](const char* name, const char* signature, const char* help, Call call) {
    binder.function((std::string("ui.") + name).c_str(), signature, help, std::move(call));
  };
  add("child", "ui.child(name, function() ... end, {width=, height=, border=true})", "A region that scrolls by itself.",
      child);
  add("tabs", "ui.tabs(name, {{title, function}, ...})", "Pages of which one is shown.", tabs);
  add("tree", "ui.tree(label, function() ... end, {open=false}) -> open", "What can be folded away.", tree);
  add("columns", "ui.columns(function, function, ...)", "Functions that draw side by side.", columns);
  add("split", "ui.split(name, left, right, {share=0.5, height=})",
      "Two panes with a bar between them to drag; where it was left is remembered under the name.", split_panes);
  add("table", "ui.table(rows, {columns=, height=, selected=}) -> row clicked, or nil",
      "Rows of cells; only those in sight are converted to text, so it may have many.", table);
}

}  // namespace multiviz::script
