#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "models/model.h"
#include "representation/features.h"
#include "viewer/desktop.h"
#include "viewer/job.h"
#include "viewer/page_view.h"

namespace multiviz {

struct ExplorerOptions {
  int64_t first = 0;          // datapoint to begin with, 0-based
  int64_t context = 64;       // datapoints that DIME averages over
  int64_t datapoints = 1000;  // at most so many give the features of stages P and R
  int64_t examples = 3;       // datapoints for each feature's global analysis
  double nonzeros_per_class = 20;
  std::string tap;  // where features are taken; empty for the penultimate layer
  uint64_t seed = 0;
  std::string folder = "out/explorer";  // where pages and reports go
  bool main_thread = false;             // the model or the data may be used on the main thread only
};

// The methods of a stage, "U" or "C", that the explorer can compute for such a model, by name.
std::vector<std::string> methods_of(const std::string& stage, const Signature& signature);

// The whole tool in one window: choose a datapoint, compute the stages, ask with clicks. Work runs beside the window;
// what it gave is kept for as long as the window is open.
class Explorer : public std::enable_shared_from_this<Explorer> {
 public:
  Explorer(ModelPtr model, DatasetPtr data, ExplorerOptions options, Desktop& desktop);

  void draw(Window& window);
  // Runs what waits, until nothing does: for pictures and tests.
  void finish();
  bool busy() const { return current_ != nullptr || !waiting_.empty(); }
  const Page* page() const;  // of the datapoint shown; null before it was computed
  int64_t index() const { return index_; }

 private:
  // What the user asks of words, of a box or of a region of LXMERT's, and the answer.
  struct Live {
    std::set<int64_t> words;
    std::optional<Box> box;
    std::optional<int64_t> region;
    std::shared_ptr<const Explanation> answer;
    double milliseconds = 0;
  };
  // The input with parts changed, and what the model says about it.
  struct WhatIf {
    std::string text;
    std::set<int64_t> hidden_words, hidden_segments;
    at::Tensor segments, picture;
    std::shared_ptr<const Prediction> answer;
    at::Tensor features, original;  // float64 [D]
  };

  // What a search has found so far; it goes on beside the window.
  struct Matches {
    std::mutex mutex;
    std::vector<int64_t> rows;
  };

  // explorer_jobs.cpp
  void ask(const std::string& name, Job::Work work);
  void take_picture(Window& window);
  void use_tap(const std::string& tap);
  void tend();
  void select(int64_t index);
  void load(int64_t index);
  void compute(const std::string& method);
  void fit_path();
  void analyse_feature(int64_t feature);
  void search();
  void ask_live();
  void ask_what_if();
  Target target() const;
  std::optional<size_t> modality(ModalityKind kind) const;
  std::optional<size_t> pictured(const Datapoint& datapoint) const;  // the image, else the series of its regions
  // explorer.cpp and explorer_live.cpp
  void control_panel(Window& window);
  bool label_choice(Window& window);  // whether another was chosen
  void choice_list(Window& window);
  void methods(Window& window);
  void feature_choice(Window& window);
  void saving(Window& window);
  void overview(Window& window);
  void features(Window& window);
  void live(Window& window);
  void live_picture(Window& window, const Datapoint& datapoint, const std::string& name, const Value& value);
  void what_if(Window& window);
  void what_if_answer(Window& window, const Page& shown);
  void progress_overlay(Window& window);

  ModelPtr model_;
  DatasetPtr data_;
  ExplorerOptions options_;
  Desktop& desktop_;
  std::unique_ptr<Job> current_;
  std::deque<std::unique_ptr<Job>> waiting_;
  bool running_here_ = false;
  int64_t index_ = 0;
  std::map<int64_t, Page> pages_;     // by datapoint
  std::shared_ptr<Matches> matches_;  // null before the first search
  std::string search_, message_;
  int filter_ = 0, label_ = 0, number_ = 1, feature_number_ = 1;
  ImGuiTextFilter label_filter_;
  uint64_t draws_ = 0;  // of "random"
  PageState state_;
  FeaturesPtr features_;
  std::shared_ptr<const SparsePath> path_;
  Live live_;
  WhatIf what_if_;
};

}  // namespace multiviz
