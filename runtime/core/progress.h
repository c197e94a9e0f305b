#pragma once
#include <cstdint>
#include <string>

namespace multiviz {

// Where progress is shown: a terminal bar, a log line a minute, a window. Called from the thread that works.
class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // `fraction` of the whole call in [0, 1]; `done` and `total` count the smallest steps: the two modalities of a LIME with
  // 1,000 samples each are 2,000.
  virtual void update(const std::string& what, double fraction, int64_t done, int64_t total) = 0;
  virtual void finish(const std::string& what) = 0;
};

// The sink of this thread's outermost Progress; null shows nothing. Returns the sink that was there.
ProgressSink* set_progress_sink(ProgressSink* sink);

// Counts the steps of one piece of work. Progresses nest: one made while another is alive on the same thread fills the
// outer one's current step, so that the user sees one bar over the whole call.
//
//   Progress progress("lime", samples);
//   for (...) { ...; progress.advance(batch); }
class Progress {
 public:
  Progress(std::string what, int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(int64_t steps = 1);

 private:
  void report(double inner) const;  // inner: how much of the current step is done, in [0, 1]
  void divide(int64_t steps);

  std::string what_;
  int64_t total_;
  int64_t done_ = 0;
  int64_t unit_ = 1;  // the most steps that one step of this has taken so far
  Progress* outer_;
};

}  // namespace multiviz
