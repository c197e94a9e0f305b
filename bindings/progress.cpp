#include "bindings/progress.h"

#include <unistd.h>

#include <chrono>

#include "bindings/register.h"
#include "bindings/window.h"
#include "core/cancel.h"

namespace multiviz::script {
namespace {

using Clock = std::chrono::steady_clock;

const char sink_key = 0;  // registry key, by address

std::string duration(double seconds) {
  auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string rate(double per_second) {
  if (per_second >= 10) return fmt::format("{:.0f}/s", per_second);
  if (per_second >= 0.1) return fmt::format("{:.1f}/s", per_second);
  return fmt::format("{:.1f}/min", per_second * 60);
}

struct Step {
  const std::string& what;
  double fraction;
  int64_t done, total;
  double seconds;

  double per_second() const { return seconds > 0 ? fraction * static_cast<double>(total) / seconds : 0; }
  double left() const { return fraction > 0 ? seconds * (1 - fraction) / fraction : 0; }
  std::string figures() const {
    auto text = fmt::format("{:3.0f} %  {}/{}", fraction * 100, done, total);
    if (fraction > 0) text += fmt::format("  {}  {} left", rate(per_second()), duration(left()));
    return text;
  }
};

// Times the work and passes on as many steps as `interval` allows, the first only after it.
class TimedSink : public ProgressSink {
 public:
  explicit TimedSink(double interval) : interval_(interval) {}
  ~TimedSink() override { set_progress_sink(nullptr); }

  void update(const std::string& what, double fraction, int64_t done, int64_t total) override {
    if (meanwhile) meanwhile();
    auto now = Clock::now();
    if (!running_) {
      running_ = true;
      start_ = shown_ = now;
    }
    if (seconds(now - shown_) < interval_) return;
    shown_ = now;
    show({what, fraction, done, total, seconds(now - start_)});
  }
  void finish(const std::string& what) override {
    running_ = false;
    end(what);
  }

  std::function<void()> meanwhile;  // what is to be done between two steps of the work

 protected:
  virtual void show(const Step& step) = 0;
  virtual void end(const std::string& what) = 0;

 private:
  static double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

  double interval_;
  bool running_ = false;
  Clock::time_point start_, shown_;
};

class Silence : public TimedSink {
 public:
  Silence() : TimedSink(60) {}

 protected:
  void show(const Step&) override {}
  void end(const std::string&) override {}
};

class Bar : public TimedSink {
 public:
  Bar(std::FILE* terminal, double interval) : TimedSink(interval), terminal_(terminal) {}

 protected:
  void show(const Step& step) override {
    constexpr int width = 24;
    auto filled = static_cast<size_t>(step.fraction * width);
    std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
    fmt::print(terminal_, "\r{}  {}  {}\x1b[K", step.what, bar, step.figures());
    std::fflush(terminal_);
    visible_ = true;
  }
  void end(const std::string&) override {
    if (std::exchange(visible_, false)) fmt::print(terminal_, "\r\x1b[K");
  }

 private:
  std::FILE* terminal_;
  bool visible_ = false;
};

class Lines : public TimedSink {
 public:
  Lines(std::FILE* file, double interval) : TimedSink(interval), file_(file) {}

 protected:
  void show(const Step& step) override {
    fmt::print(file_, "{}: {}\n", step.what, step.figures());
    std::fflush(file_);
  }
  void end(const std::string&) override {}

 private:
  std::FILE* file_;
};

// Gives a script's function {what, fraction, done, total, seconds, rate, left}. Work is never stopped from here: an
// error in the function is reported and ends the reports.
class Reports : public TimedSink {
 public:
  explicit Reports(std::shared_ptr<Callback> callback) : TimedSink(0.1), callback_(std::move(callback)) {}

 protected:
  void show(const Step& step) override {
    if (!callback_) return;
    try {
      callback_->call([&](lua_State* L) { return push_step(L, step); }, 0, nullptr);
    } catch (const Cancelled&) {  // the work itself will notice
    } catch (const std::exception& error) {
      fmt::print(stderr, "mv.progress: no more reports: {}\n", error.what());
      callback_ = nullptr;
    }
  }
  void end(const std::string&) override {}

 private:
  static int push_step(lua_State* L, const Step& step) {
    lua_createtable(L, 0, 7);
    set_field(L, "what", step.what);
    set_field(L, "fraction", step.fraction);
    set_field(L, "done", step.done);
    set_field(L, "total", step.total);
    set_field(L, "seconds", step.seconds);
    set_field(L, "rate", step.per_second());
    set_field(L, "left", step.left());
    return 1;
  }

  std::shared_ptr<Callback> callback_;
};

using SinkPtr = std::shared_ptr<TimedSink>;

// A value for the binder, not a shared object: what is let go early must not be found again by its address.
struct Owner {
  SinkPtr sink;
};

// The state owns the sink. The one before goes now and not with its userdata: at its end it takes itself out of use.
void use(lua_State* L, SinkPtr sink) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sink_key) == LUA_TUSERDATA) test<Owner>(L, -1)->sink = nullptr;
  lua_pop(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  sink->meanwhile = [main = lua_tothread(L, -1)] { tend_windows(main); };
  lua_pop(L, 1);
  set_progress_sink(sink.get());
  push_object(L, Owner{std::move(sink)});
  lua_rawsetp(L, LUA_REGISTRYINDEX, &sink_key);
}

constexpr double bar_interval = 0.2, line_interval = 60;

SinkPtr default_sink() {
  if (isatty(STDERR_FILENO)) return std::make_shared<Bar>(stderr, bar_interval);
  return std::make_shared<Lines>(stderr, line_interval);
}

int progress(lua_State* L) {
  if (lua_isfunction(L, 1))
    use(L, std::make_shared<Reports>(std::make_shared<Callback>(L, 1, "show")));
  else if (lua_isboolean(L, 1))
    use(L, lua_toboolean(L, 1) ? default_sink() : std::make_shared<Silence>());
  else
    wrong_argument(L, 1, "show", "true, false or a function");
  return 0;
}

}  // namespace

std::shared_ptr<ProgressSink> progress_bar(std::FILE* terminal, double interval) {
  return std::make_shared<Bar>(terminal, interval);
}

std::shared_ptr<ProgressSink> progress_lines(std::FILE* file, double interval) {
  return std::make_shared<Lines>(file, interval);
}

void register_progress(Binder& binder) {
  binder.type<Owner>("progress", "Where progress is shown.");
  binder.function("progress", "mv.progress(true | false | function)",
                  "Shows the progress of long work (the default), hides it, or calls function{what=, fraction=, done=, "
                  "total=, seconds=, rate=, left=} with it.",
                  progress);
  use(binder.L, default_sink());
}

}  // namespace multiviz::script
