#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/progress.h"

namespace multiviz {

// A piece of work beside the windows: on a thread of its own, or, for what belongs to the main thread, in slices there.
// The results are handed over on the main thread, by deliver. Destroying a job cancels it.
class Job : private ProgressSink {
 public:
  // `work` computes and returns what is to be done with the result on the main thread.
  using Work = std::function<std::function<void()>()>;

  Job(std::string name, Work work);
  ~Job() override;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void start();
  // Runs the work here; `meanwhile` is called between its steps, at most 30 times a second, and may draw windows.
  void run_here(std::function<void()> meanwhile);
  void cancel() { stop_ = true; }
  bool finished() const { return finished_; }
  // Once, when finished: hands the result over. Returns the error, "" when there was none or it was cancelled.
  std::string deliver();

  const std::string& name() const { return name_; }
  double fraction() const { return fraction_; }
  std::string step() const;  // what is being done
  double seconds() const;

 private:
  void run();
  void update(const std::string& what, double fraction, int64_t done, int64_t total) override;
  void finish(const std::string&) override {}

  std::string name_;
  Work work_;
  std::function<void()> result_, meanwhile_;
  std::thread thread_;
  std::atomic<bool> stop_{false}, finished_{false};
  std::atomic<double> fraction_{0};
  mutable std::mutex mutex_;
  std::string step_, error_;
  std::chrono::steady_clock::time_point started_, drawn_{};
};

}  // namespace multiviz
