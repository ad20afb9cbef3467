    // --- Why an answer was good or not ---
    askWhy(below, messageId, verdict) {
      const { words } = this;
      for (const old of below.querySelectorAll(".why")) old.remove();
      if (!verdict) return;
      const isBad = verdict === "negative";
      const reasons = isBad ? ["reasonWrong", "reasonPart", "reasonUnclear", "reasonOld"] : [];
      const chips = reasons.map((name) => build("label", {}, build("input", { type: "checkbox", name, value: words[name] }), words[name]));
      const text = build("textarea", { rows: 2, maxLength: 800, dir: "auto", "aria-label": words.ownWords, placeholder: words.ownWords });
      const title = isBad ? words.whyNot : words.whyGood;
      const form = build("form", { className: "why", "aria-label": title }, build("p", {}, title),
        build("div", { className: "chips" }, ...chips), text, build("button", { type: "submit" }, words.send));
      form.onsubmit = async (event) => {
        event.preventDefault();
        const chosen = [...form.querySelectorAll(":checked")].map((each) => each.value);
        const reason = [chosen.join(", "), text.value.trim()].filter(Boolean).join(": ");
        const thanks = build("p", { className: "why", role: "status" }, words.thanks);
        await this.client.send({ type: "feedback", message_id: messageId, feedback: verdict, reason });
        form.replaceWith(thanks);
      };
      below.append(form);
      form.scrollIntoView({ block: "nearest" });
    }
