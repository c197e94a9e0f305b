#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "data/datapoint.h"
#include "models/target.h"
#include "present/explanation.h"

namespace multiviz {

// One label of a prediction, the likeliest first.
struct LabelScore {
  int64_t label = 0;  // 0-based
  std::string name;
  double logit = 0;
  double probability = 0;  // softmax for classification, sigmoid for multi-label
};

// What the model says about a datapoint: the likeliest labels, or the value that it regresses to.
struct Prediction {
  Task task = Task::classification;
  std::vector<LabelScore> top;  // strongest first; empty for regression
  double value = 0;             // regression only
};

// A datapoint as a page shows it: adapted to the model, its labels as words.
struct Example {
  Datapoint datapoint;                // values in the model's order
  std::vector<std::string> truth;     // names of the true labels; empty when unlabelled
  Prediction prediction;
};

// One edge of the prediction graph: feature k of datapoint x and class c.
struct FeatureWeight {
  int64_t feature = 0;      // 0-based
  double weight = 0;        // beta_ck of the sparse linear model, in units of the raw feature
  double activation = 0;    // z_k(x)
  double contribution = 0;  // weight times activation: what it adds to the linear model's output
};

struct ClassGraph {
  int64_t label = 0;  // 0-based
  std::string name;
  double bias = 0;       // the linear model's output where every feature is zero
  int64_t nonzeros = 0;  // of this class's coefficients
  std::vector<FeatureWeight> features;  // strongest first
};

// One lambda of the sparsity-accuracy curve.
struct CurvePoint {
  double lambda = 0;
  double accuracy = 0;            // held out, in [0, 1]; R^2 for a regression model
  double nonzeros_per_class = 0;  // mean over classes
};

// Stage P: the sparse linear model that was selected and what it says about the page's datapoint.
struct PredictionEntry {
  std::string model;
  std::string datapoint;   // Datapoint::id
  std::string family;      // "gaussian" or "multinomial"
  std::string tap;         // where the features were taken; empty for the penultimate layer
  double lambda = 0;
  double accuracy = 0;     // of the selection, held out
  std::optional<double> dense_accuracy;  // of the model's own last layer on the same datapoints, when known
  double nonzeros_per_class = 0;
  std::vector<ClassGraph> classes;       // the predicted class first
  std::vector<CurvePoint> curve;         // the whole path, by falling lambda
  nlohmann::json options = nlohmann::json::object();
  uint64_t seed = 0;
  Cost cost;
};

// A datapoint that activates a feature most, and what in it does.
struct GlobalExample {
  Example example;
  double activation = 0;
  std::vector<Explanation> explanations;  // towards the feature
};

// Stage R of one feature. The local and the global analysis of the same feature may arrive apart: a page merges them.
struct FeatureEntry {
  std::string model;
  std::string datapoint;  // whose local analysis this is; empty when there is none
  int64_t feature = 0;    // 0-based
  std::string tap;        // empty for the penultimate layer
  double activation = std::numeric_limits<double>::quiet_NaN();  // on the page's datapoint; NaN when unknown
  std::vector<Explanation> local;        // towards the feature, on the page's datapoint
  std::vector<GlobalExample> examples;   // most active first
  std::string dataset;                   // that the examples were searched in
};

// The saved analysis of a datapoint. The HTML report and the viewer are two readers of it.
struct Page {
  std::string model;
  std::vector<Modality> modalities;  // of the datapoint's values
  Example example;
  std::string target;                // Target::describe
  std::vector<Explanation> explanations;      // stages U and C, in the order added
  std::vector<PredictionEntry> predictions;   // stage P
  std::vector<FeatureEntry> features;         // stage R, one per feature

  // Throw Error when the entry is about another model or datapoint. An entry equal in method, target and modality to
  // an earlier one is added beside it, since its options may differ.
  void add(Explanation explanation);
  void add(PredictionEntry entry);
  void add(FeatureEntry entry);
};

// Runs the model once: the `most` likeliest labels with their probabilities.
Prediction predict(const Model& model, const Datapoint& datapoint, int64_t most = 5);

// The datapoint (adapted to the model) with the prediction and the names of its true labels; a label that the model does
// not have (-1) is shown as "(not among the labels)".
Example make_example(const Model& model, Datapoint datapoint, int64_t most = 5);

Page make_page(const Model& model, Datapoint datapoint, const Target& target, int64_t most = 5);

// A folder with page.json, the images as PNG and every tensor in a safetensors file. save, load, save gives the same
// bytes. Killed or failing at any point it leaves the page that was there before. Throws Error naming the file that
// could not be written.
void save(const Page& page, const std::string& folder);

// Reads what save wrote. The folder is untrusted: names are resolved inside it only, shapes and sizes are checked.
// Throws Error naming the file and what is wrong with it.
Page load_page(const std::string& folder);

// Writes index.html and its PNGs into the folder: opens from disk in any browser, without a network.
void write_report(const Page& page, const std::string& folder);

// What it prints at the prompt: model, datapoint, prediction and what is on it.
std::string summary(const Page& page);

}  // namespace multiviz
