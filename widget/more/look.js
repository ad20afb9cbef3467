    static styles = `
  .panel { position: absolute; inset: 0; z-index: 2; display: flex; flex-direction: column; background: var(--bg); color: var(--text); }
  .panel-head { display: flex; align-items: center; padding: 12px 12px 8px 18px; padding-inline: 18px 12px; }
  .panel-head h3 { flex: 1; margin: 0; font-size: 16px; font-weight: 600; }
  .panel-head button { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 10px; }
  .panel ul { flex: 1; overflow-y: auto; list-style: none; margin: 0; padding: 4px 12px; display: grid; gap: 6px; align-content: start; }
  .panel li { display: flex; align-items: stretch; gap: 4px; } .panel li.quiet, .panel .quiet { color: var(--text-secondary); font-size: 13px; }
  .chat { flex: 1; min-width: 0; display: grid; gap: 2px; padding: 8px 12px; text-align: start; border: 1px solid var(--border);
    border-radius: 10px; } .chat[aria-current] { border-color: var(--primary); border-width: 2px; }
  .chat .title { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .panel li > button:last-child { display: grid; place-items: center; min-width: 40px; padding: 4px 8px; border-radius: 10px;
    color: var(--text-secondary); }
  .panel li > .sure { color: var(--danger) !important; border: 1px solid var(--danger); font-size: 13px; }
  .panel button:hover { background: var(--bg-secondary); }
  .panel-foot { display: grid; gap: 2px; padding: 8px 12px 12px; border-block-start: 1px solid var(--border); }
  .panel-foot button { display: flex; gap: 10px; align-items: center; min-height: 40px; padding: 6px 10px; border-radius: 10px; text-align: start; }
  .panel-foot [role="switch"]::after { content: ""; margin-inline-start: auto; width: 34px; height: 20px; border-radius: 10px;
    border: 1px solid var(--text-secondary); background: radial-gradient(circle at 9px 50%, var(--text-secondary) 6px, transparent 7px); }
  .panel-foot [aria-checked="true"]::after { background: radial-gradient(circle at 23px 50%, var(--on-primary) 6px, transparent 7px), var(--primary); }
  .why { display: grid; gap: 8px; margin: 8px 0 0; padding: 10px 12px; border: 1px solid var(--border); border-radius: 12px; color: var(--text); }
  .why p { margin: 0; font-weight: 600; } .chips { display: flex; flex-wrap: wrap; gap: 4px 14px; }
  .chips:empty { display: none; } .chips label { display: flex; gap: 6px; align-items: center; min-height: 26px; }
  .chips input { width: 18px; height: 18px; margin: 0; accent-color: var(--primary); }
  .why textarea { padding: 8px 10px; font-size: 16px; border: 1px solid var(--border); border-radius: 8px; background: var(--bg); }
  .why button { justify-self: start; min-height: 32px; padding: 4px 14px; border: 1px solid var(--border); border-radius: 10px; font-weight: 600; }
  .contact-form { display: grid; gap: 8px; padding: 12px; border: 1px solid var(--border); border-radius: 12px; }
  .contact-form p { margin: 0; } .contact-form label { display: grid; gap: 2px; font-size: 13px; }
  .contact-form input, .contact-form textarea { font: inherit; color: inherit; padding: 8px 10px; font-size: 16px;
    border: 1px solid var(--border); border-radius: 8px; background: var(--bg-secondary); resize: vertical; }
  .contact-form button { padding: 8px 14px; border: 1px solid var(--border); border-radius: 12px; font-weight: 600; }
  :is(.why, .contact-form) button:hover { border-color: var(--primary); }`;

    static english = "@english"; // what only this script says, put here by widget.build

    static icons = {
      download: ["M12 4v11", "M7 10.5l5 5 5-5", "M5 20h14"],
      bell: ["M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z", "M10 20.5h4"],
      bin: ["M5 7h14", "M9.5 7V4.5h5V7", "M7 7l.8 12.5h8.4L17 7"],
    };

