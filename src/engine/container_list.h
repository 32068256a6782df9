// All containers as they are, without a copy of each: an element changes with its container, and can be read when that
// is gone. Thread side: the engine's loop.
#pragma once

#include <boost/iterator/indirect_iterator.hpp>
#include <memory>
#include <vector>

#include "engine/model.h"

namespace diatom::engine {

class ContainerList {
public:
    using Elements = std::vector<std::shared_ptr<const Container>>;
    using value_type = Container;
    using const_iterator = boost::indirect_iterator<Elements::const_iterator>;

    ContainerList() = default;
    explicit ContainerList(Elements elements) : elements_(std::move(elements)) {}

    const_iterator begin() const { return const_iterator(elements_.begin()); }
    const_iterator end() const { return const_iterator(elements_.end()); }
    std::size_t size() const noexcept { return elements_.size(); }
    bool empty() const noexcept { return elements_.empty(); }

private:
    Elements elements_;
};

}  // namespace diatom::engine
